package value

import (
	"strings"
	"unicode/utf8"
)

// Patterns, and texts that are held against them, end at their first NUL.

// Like reports whether s is as pattern says: % stands for any text, _ for one
// character, and ASCII letters are alike in both cases. After escape, if it is not
// 0, a character stands for itself.
func Like(pattern, s string, escape rune) bool { return NewLike(pattern, escape).Match(s) }

// Pattern is a pattern of LIKE, made ready for many texts.
type Pattern struct {
	matcher
	source string // what it was made of
	text   string
	// infix is what the text is %…% of, in small letters, where it is ASCII without a sign
	// that means something: most patterns are of this kind, and it is a search.
	infix string
	skips [256]uint8 // how far the search may go on from a byte below the infix's end; 0 from one that is the end's
	again int        // and how far from that
}

// NewLike prepares Like.
func NewLike(pattern string, escape rune) *Pattern {
	p := &Pattern{matcher: matcher{any: '%', one: '_', escape: escape, fold: true}, source: pattern}
	pattern = ended(pattern)
	p.text = pattern
	if len(pattern) < 3 || pattern[0] != '%' || pattern[len(pattern)-1] != '%' || escape != 0 {
		return p
	}
	infix := pattern[1 : len(pattern)-1]
	for i := range len(infix) {
		if c := infix[i]; c == '%' || c == '_' || c >= utf8.RuneSelf {
			return p
		}
	}
	p.infix = Fold(infix)
	p.skip()
	return p
}

// skip finds out how far a search may go on.
func (p *Pattern) skip() {
	last := len(p.infix) - 1
	for i := range p.skips {
		p.skips[i] = uint8(min(last+1, 255))
	}
	for i := range last {
		p.skips[p.infix[i]] = uint8(min(last-i, 255))
	}
	p.again = int(p.skips[p.infix[last]])
	p.skips[p.infix[last]] = 0
	for c := 'a'; c <= 'z'; c++ {
		p.skips[c-'a'+'A'] = p.skips[c]
	}
}

// Is reports whether p was made of these.
func (p *Pattern) Is(pattern string, escape rune) bool {
	return p.source == pattern && p.escape == escape
}

// Match reports whether s is as the pattern says.
func (p *Pattern) Match(s string) bool {
	if p.infix != "" {
		return p.search(s)
	}
	return p.match(p.text, ended(s))
}

func ended(s string) string {
	if end := strings.IndexByte(s, 0); end >= 0 {
		return s[:end]
	}
	return s
}

// search looks for the infix from its end backwards, and goes on by as much as the
// byte below that allows (Horspool).
func (p *Pattern) search(s string) bool {
	for end := uint(len(p.infix) - 1); end < uint(len(s)); end += uint(p.again) {
		for p.skips[s[end]] != 0 {
			end += uint(p.skips[s[end]])
			if end >= uint(len(s)) {
				return false
			}
		}
		if p.ends(s[:end]) {
			return strings.IndexByte(s[:end], 0) < 0
		}
	}
	return false
}

// ends reports whether s ends with the infix but for its last byte.
func (p *Pattern) ends(s string) bool {
	n := len(p.infix) - 1
	for i := n - 1; i >= 0; i-- {
		if fold(s[len(s)-n+i]) != p.infix[i] {
			return false
		}
	}
	return true
}

// Glob reports whether s is as pattern says: * stands for any text, ? for one
// character, and [a-z] or [^a-z] for one of a set, or none of it.
func Glob(pattern, s string) bool {
	p := matcher{any: '*', one: '?', sets: true}
	return p.match(ended(pattern), ended(s))
}

// matcher is a dialect of patterns.
type matcher struct {
	any, one, escape rune
	fold, sets       bool
}

// match goes through both at once. Where they differ it is only the last "any text"
// that may have to take one character more, so the time is at most the product of
// their lengths.
func (m *matcher) match(pattern, s string) bool {
	p, at := 0, 0
	retryP, retryAt := -1, 0
	for {
		if p < len(pattern) {
			c, size := decode(pattern, p)
			if c == m.any && c != m.escape {
				p += size
				retryP, retryAt = p, at
				continue
			}
			if at < len(s) {
				if nextP, nextAt, ok := m.step(pattern, p, s, at); ok {
					p, at = nextP, nextAt
					continue
				}
			}
		} else if at == len(s) {
			return true
		}
		if retryP < 0 || retryAt >= len(s) {
			return false
		}
		_, size := decode(s, retryAt)
		retryAt += size
		p, at = retryP, retryAt
	}
}

// step matches one character of s with what stands at pattern[p:].
func (m *matcher) step(pattern string, p int, s string, at int) (nextP, nextAt int, ok bool) {
	c, size := decode(pattern, p)
	got, gotSize := decode(s, at)
	p, at = p+size, at+gotSize
	switch {
	case c == m.escape && m.escape != 0:
		if p >= len(pattern) {
			return 0, 0, false
		}
		c, size = decode(pattern, p)
		p += size
	case c == m.one:
		return p, at, true
	case m.sets && c == '[':
		end, in := inSet(pattern, p, got)
		return end, at, in
	}
	return p, at, c == got || m.fold && c < utf8.RuneSelf && got < utf8.RuneSelf && fold(byte(c)) == fold(byte(got))
}

// inSet reports whether c is in the set at pattern[p:], after its bracket, and where
// it ends. A set without an end has nothing in it.
func inSet(pattern string, p int, c rune) (end int, in bool) {
	next := func() (r rune, ok bool) {
		if p >= len(pattern) {
			return 0, false
		}
		r, size := decode(pattern, p)
		p += size
		return r, true
	}
	r, ok := next()
	invert := ok && r == '^'
	if invert {
		r, ok = next()
	}
	if ok && r == ']' {
		in = c == ']'
		r, ok = next()
	}
	var last rune
	for ; ok && r != ']'; r, ok = next() {
		if r == '-' && last > 0 && p < len(pattern) && pattern[p] != ']' {
			r, _ = next()
			in = in || last <= c && c <= r
			last = 0
			continue
		}
		in = in || r == c
		last = r
	}
	return p, ok && in != invert
}

func decode(s string, at int) (rune, int) {
	if c := s[at]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(s[at:])
}
