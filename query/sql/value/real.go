package value

import (
	"math"
	"math/bits"
	"strconv"
)

// Decimal is a number in decimal digits: 0.d₁d₂d₃… × 10^Point. It has at least one
// digit, and none of its last ones is 0 but in the number 0.
type Decimal struct {
	Negative bool
	Infinite bool
	Point    int
	Digits   []byte
}

// shownDigits are what SQL writes of a real: enough to tell any two of them apart.
const shownDigits = 17

// MakeDecimal returns f as SQLite writes it, rounded half up: to so many digits
// where round is positive, else to −round of them after the point. There are never
// more than most; with 17 there are fewer where a number of 14 digits tells the same
// real. The digits go where dst has room, at least 20 of them.
func MakeDecimal(dst []byte, f float64, round, most int) Decimal {
	d := Decimal{Negative: f < 0, Infinite: math.IsInf(f, 0)}
	if f == 0 || d.Infinite {
		d.Digits, d.Point = append(dst, '0'), 1
		return d
	}
	f = math.Abs(f)
	n := 18
	if 0 < round && round < n {
		n = round + 1
	}
	mantissa, exponent := scale(f, n)
	d.Digits = strconv.AppendUint(dst, mantissa, 10)[len(dst):]
	d.Point = len(d.Digits) + exponent
	if round <= 0 {
		if round = d.Point - round; round < 0 {
			d.Digits, d.Point = append(d.Digits[:0], '0'), 1
			return d
		}
		if round == 0 {
			d.round(0)
			return d
		}
	}
	if round < len(d.Digits) || len(d.Digits) > most {
		if round = min(round, most); round == shownDigits {
			round = d.shorten(f)
		}
		d.round(round)
	}
	d.trim()
	return d
}

// scale returns the first n digits of f, or one more, and the power of ten that they
// are to be multiplied with. It is as exact as 64 bits are, which is what SQLite's
// last digits come from.
func scale(f float64, n int) (digits uint64, power int) {
	mantissa := math.Float64bits(f) << 11
	exponent := int(math.Float64bits(f)>>52) - 1086
	if exponent == -1086 {
		zeros := bits.LeadingZeros64(mantissa)
		mantissa, exponent = mantissa<<zeros, -1085-zeros
	} else {
		mantissa |= 1 << 63
	}
	power = n - 1 - (exponent+63)*78913>>18 // log₁₀ 2
	high, _ := bits.Mul64(mantissa, tenTo(power))
	shift := exponent + power*108853>>15 // log₂ 10
	if n < 18 {
		return high >> uint(-shift-1), -power
	}
	high >>= uint(-shift - 2)
	return (high + high<<1&2) >> 1, -power
}

// tenTo returns the first 64 bits of 10^p.
func tenTo(p int) uint64 {
	if 0 <= p && p < 27 {
		return fiveTo(p)
	}
	if p == -1 {
		return tenTo27[13].high
	}
	group := p / 27
	rest := p % 27
	if rest < 0 {
		group, rest = group-1, rest+27
	}
	t := tenTo27[group+13]
	if rest == 0 {
		return t.high
	}
	five := fiveTo(rest)
	high, middle := bits.Mul64(t.high, five)
	carried, _ := bits.Mul64(uint64(t.low)<<32, five)
	middle, carry := bits.Add64(middle, carried, 0)
	high += carry
	if high>>63 == 0 {
		high = high<<1 | middle>>63
	}
	return high
}

// fiveTo returns 5^n with its first bit at the top, for n below 27 exactly.
func fiveTo(n int) uint64 {
	power := uint64(1)
	for range n {
		power *= 5
	}
	return power << uint(bits.LeadingZeros64(power))
}

// tenTo27 are the first 96 bits of the powers of 10²⁷.
var tenTo27 = [...]struct {
	high uint64
	low  uint32
}{
	{0x8049a4ac0c5811ae, 0x205b896d}, // 10^-351
	{0xcf42894a5dce35ea, 0x52064cac}, // 10^-324
	{0xa76c582338ed2621, 0xaf2af2b8}, // 10^-297
	{0x873e4f75e2224e68, 0x5a7744a6}, // 10^-270
	{0xda7f5bf590966848, 0xaf39a475}, // 10^-243
	{0xb080392cc4349dec, 0xbd8d794d}, // 10^-216
	{0x8e938662882af53e, 0x547eb47b}, // 10^-189
	{0xe65829b3046b0afa, 0x0cb4a5a3}, // 10^-162
	{0xba121a4650e4ddeb, 0x92f34d62}, // 10^-135
	{0x964e858c91ba2655, 0x3a6a07f8}, // 10^-108
	{0xf2d56790ab41c2a2, 0xfae27299}, // 10^-81
	{0xc428d05aa4751e4c, 0xaa97e14c}, // 10^-54
	{0x9e74d1b791e07e48, 0x775ea264}, // 10^-27
	{0xcccccccccccccccc, 0xcccccccc}, // 10^-1, in the place of 1, which needs no room
	{0xcecb8f27f4200f3a, 0x00000000}, // 10^27
	{0xa70c3c40a64e6c51, 0x999090b6}, // 10^54
	{0x86f0ac99b4e8dafd, 0x69a028bb}, // 10^81
	{0xda01ee641a708de9, 0xe80e6f48}, // 10^108
	{0xb01ae745b101e9e4, 0x5ec05dcf}, // 10^135
	{0x8e41ade9fbebc27d, 0x14588f13}, // 10^162
	{0xe5d3ef282a242e81, 0x8f1668c8}, // 10^189
	{0xb9a74a0637ce2ee1, 0x6d953e2b}, // 10^216
	{0x95f83d0a1fb69cd9, 0x4abdaf10}, // 10^243
	{0xf24a01a73cf2dccf, 0xbc633b39}, // 10^270
	{0xc3b8358109e84f07, 0x0a862f80}, // 10^297
	{0x9e19db92b4e31ba9, 0x6c07a2c2}, // 10^324
}

// trim takes off zeros at the end.
func (d *Decimal) trim() {
	for len(d.Digits) > 1 && d.Digits[len(d.Digits)-1] == '0' {
		d.Digits = d.Digits[:len(d.Digits)-1]
	}
}

// round keeps n digits, rounding half up.
func (d *Decimal) round(n int) {
	if n >= len(d.Digits) {
		return
	}
	up := d.Digits[n] >= '5'
	d.Digits = d.Digits[:n]
	for up && n > 0 {
		n--
		if d.Digits[n]++; d.Digits[n] <= '9' {
			return
		}
		d.Digits = d.Digits[:n]
	}
	switch {
	case up:
		d.Digits, d.Point = append(d.Digits, '1'), d.Point+1
	case n == 0:
		d.Digits, d.Point = append(d.Digits, '0'), 1
	}
}

// shorten returns to how many digits f can be rounded for the same real to be read
// again: 17, or fewer where those go on with nines or zeros.
func (d *Decimal) shorten(f float64) int {
	n, up := 0, uint64(0)
	switch {
	case string(d.Digits[14:16]) == "99":
		for n = 14; n > 0 && d.Digits[n-1] == '9'; n-- {
		}
		up = 1
	case d.Point >= len(d.Digits), string(d.Digits[13:16]) == "000":
		for n = 13; n > 0 && d.Digits[n-1] == '0'; n-- {
		}
	default:
		return shownDigits
	}
	s := scan{exponent: d.Point - n}
	for _, c := range d.Digits[:n] {
		s.mantissa = s.mantissa*10 + uint64(c-'0')
	}
	if s.mantissa += up; s.float() != f {
		return shownDigits
	}
	return n + 1
}

// AppendReal appends f as SQL writes it: "1.0", "0.1", "1.0e+17", "Inf".
func AppendReal(dst []byte, f float64) []byte {
	var buffer [24]byte
	d := MakeDecimal(buffer[:0], f, shownDigits, shownDigits)
	if d.Negative {
		dst = append(dst, '-')
	}
	exponent := d.Point - 1
	switch {
	case d.Infinite:
		return append(dst, "Inf"...)
	case exponent < -4 || exponent >= shownDigits:
		return d.appendScientific(dst, exponent)
	case d.Point <= 0:
		dst = append(dst, "0."...)
		for range -d.Point {
			dst = append(dst, '0')
		}
		return append(dst, d.Digits...)
	case len(d.Digits) > d.Point:
		dst = append(dst, d.Digits[:d.Point]...)
		return append(append(dst, '.'), d.Digits[d.Point:]...)
	}
	dst = append(dst, d.Digits...)
	for range d.Point - len(d.Digits) {
		dst = append(dst, '0')
	}
	return append(dst, ".0"...)
}

// appendScientific appends the digits with an exponent of ten, of two figures at least.
func (d *Decimal) appendScientific(dst []byte, exponent int) []byte {
	dst = append(dst, d.Digits[0], '.')
	if len(d.Digits) == 1 {
		dst = append(dst, '0')
	}
	dst = append(dst, d.Digits[1:]...)
	dst = append(dst, 'e')
	if exponent < 0 {
		dst, exponent = append(dst, '-'), -exponent
	} else {
		dst = append(dst, '+')
	}
	if exponent < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}
