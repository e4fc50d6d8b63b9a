package sql

// windowed is a call of a function over a window.
type windowed struct{}

func isWindowOnly(name string) bool { return false }

func (c *compiler) resolveWindow(e *expr, s *scope) *term {
	panic(fail(codeUnsupported, e.pos, "windows are not supported"))
}

func (c *compiler) windowFeed(from feed, s *scope) feed { return from }
