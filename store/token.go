//go:build !page

package store

// Token names the last commits of this environment: whoever opens the same blobs
// elsewhere reads them with SyncAfter, whether they are listed there yet or not. Tokens
// of several environments may be put one behind the other. It is empty where nothing was
// committed here, or nothing that others would not know by now.
func (e *Env) Token() string {
	if e.merger == nil {
		return ""
	}
	return e.merger.token()
}

func (r *replica) token() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var token []byte
	for _, m := range r.own {
		token = append(token, m.name()[len(logPrefix):]...)
	}
	return string(token)
}

// readToken reads tokens.
func readToken(tokens string) (marks []mark, err error) {
	for ; len(tokens) >= markDigits; tokens = tokens[markDigits:] {
		m, ok := readMark(tokens[:markDigits])
		if !ok {
			break
		}
		marks = append(marks, m)
	}
	if len(tokens) > 0 {
		return nil, fail(InvalidArgument, "sync: token", "", nil)
	}
	return marks, nil
}
