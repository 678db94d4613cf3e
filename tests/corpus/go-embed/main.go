package main

import (
	"embed"
	"io/fs"
	"log"
	"net/http"
)

//go:embed static
var files embed.FS

func main() {
	site, err := fs.Sub(files, "static")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":3000", http.FileServer(http.FS(site))))
}
