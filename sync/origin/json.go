package origin

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendJSON appends a text as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendJSON[T string | []byte](dst []byte, text T) []byte {
	const hexadecimal = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c < ' ':
				dst = append(dst, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
			default:
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return append(dst, '"')
}

// utf16Of returns the units that JSON's escapes have for a character.
func utf16Of(r rune) []uint16 { return utf16.AppendRune(nil, r) }
