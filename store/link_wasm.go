package store

// link is a pointer that one goroutine sets while others follow it. WebAssembly has one thread, and Go
// calls a function for each atomic access there, which takes several times as long as the access.
type link[T any] struct{ to *T }

func (l *link[T]) Load() *T    { return l.to }
func (l *link[T]) Store(to *T) { l.to = to }
