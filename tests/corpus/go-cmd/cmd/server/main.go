package main

import (
	"html/template"
	"log"
	"net/http"
	"time"

	"example.com/shop/internal/greeting"
)

func main() {
	page := template.Must(template.ParseFiles("templates/index.html"))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		page.Execute(w, map[string]string{
			"Text": greeting.Text(), "Zone": time.Now().In(berlin).Location().String(),
		})
	})
	server := &http.Server{Addr: ":8081", ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
