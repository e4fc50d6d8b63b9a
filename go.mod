module github.com/stowage-db/stowage

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/anishathalye/porcupine v1.3.1
	github.com/klauspost/compress v1.20.3
	github.com/tinylib/msgp v1.6.5
	golang.org/x/text v0.43.0
)

require github.com/philhofer/fwd v1.2.0 // indirect
