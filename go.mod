module github.com/stowage-db/stowage

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/anishathalye/porcupine v1.3.1
	github.com/hack-pad/go-indexeddb v0.3.2
	github.com/klauspost/compress v1.20.3
	github.com/tinylib/msgp v1.6.5
	golang.org/x/text v0.43.0
)

require (
	github.com/hack-pad/safejs v0.1.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
)
