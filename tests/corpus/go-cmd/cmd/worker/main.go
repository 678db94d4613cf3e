package main

import (
	"fmt"
	"time"

	"example.com/shop/internal/greeting"
)

func main() {
	for range time.Tick(time.Minute) {
		fmt.Println(greeting.Text())
	}
}
