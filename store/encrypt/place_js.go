package encrypt

import "syscall/js"

// hashes reports whether passphrases can be hashed here. Workers at the edge have neither the memory nor the time
// for it; they say who they are as browsers do.
func hashes() bool {
	navigator := js.Global().Get("navigator")
	return !navigator.Truthy() || navigator.Get("userAgent").String() != "Cloudflare-Workers"
}
