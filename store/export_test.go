package store

// Staged is how many writes wait for the next log record: tests use it to know that
// others have come behind a commit under way.
func (e *Env) Staged() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.staged == nil {
		return 0
	}
	n := 0
	for _, s := range e.staged.sections {
		n += s.writes.len()
	}
	return n
}

// Inner opens one of the databases that make up a table, so that tests see what it
// holds.
func (tx *Tx) Inner(name string) (*DB, error) { return tx.inner(name) }
