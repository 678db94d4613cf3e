package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"example.com/greeting"
)

func main() {
	port, found := os.LookupEnv("PORT")
	if !found {
		port = "7000"
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, greeting.Text())
	})))
}
