package value

import (
	"encoding/binary"
	"strconv"
)

// appendTimestamp appends the text of a timestamp's data as Date.toISOString writes
// it. It reports false for an invalid one.
func appendTimestamp(dst, data []byte) (text []byte, ok bool) {
	var seconds int64
	var nanoseconds uint32
	switch len(data) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		seconds, nanoseconds = int64(both&(1<<34-1)), uint32(both>>34)
	case 12:
		seconds, nanoseconds = int64(binary.BigEndian.Uint64(data[4:])), binary.BigEndian.Uint32(data)
	default:
		return dst, false
	}
	const most = 8_640_000_000_000 // of JavaScript
	if seconds > most || seconds < -most {
		return dst, false
	}
	days, rest := seconds/86400, seconds%86400
	if rest < 0 {
		days, rest = days-1, rest+86400
	}
	year, month, day := civil(days)
	dst = appendYear(dst, year)
	dst = appendPadded(append(dst, '-'), month, 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	dst = appendPadded(append(dst, 'T'), int(rest/3600), 2)
	dst = appendPadded(append(dst, ':'), int(rest/60%60), 2)
	dst = appendPadded(append(dst, ':'), int(rest%60), 2)
	dst = appendPadded(append(dst, '.'), int(nanoseconds/1_000_000%1000), 3)
	return append(dst, 'Z'), true
}

// civil is the date of so many days after 1970-01-01, in the calendar of today
// whenever it was. Years begin in March here, so that the leap day is their last.
func civil(days int64) (year, month, day int) {
	days += 719468 // to 0000-03-01
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	inEra := days - era*146097
	yearOfEra := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	march := (5*inYear + 2) / 153
	day = int(inYear-(153*march+2)/5) + 1
	month = int(march) + 3
	year = int(yearOfEra + era*400)
	if month > 12 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

// appendYear appends four figures, or a sign and six.
func appendYear(dst []byte, year int) []byte {
	switch {
	case year < 0:
		return appendPadded(append(dst, '-'), -year, 6)
	case year > 9999:
		return appendPadded(append(dst, '+'), year, 6)
	}
	return appendPadded(dst, year, 4)
}

// appendPadded appends n, not negative, with so many figures at least.
func appendPadded(dst []byte, n, figures int) []byte {
	for power := 10; figures > 1; figures, power = figures-1, power*10 {
		if n < power {
			for range figures - 1 {
				dst = append(dst, '0')
			}
			break
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
