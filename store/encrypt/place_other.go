//go:build !js

package encrypt

// hashes reports whether passphrases can be hashed here.
func hashes() bool { return true }
