package greeting

// Text greets.
func Text() string { return "hello from go-workspace" }
