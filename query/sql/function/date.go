package function

import (
	"strconv"

	"github.com/stowage-db/stowage/query/sql/value"
)

// written is a date function that answers with text.
func written(c *Context, args []value.Value, append func(dst []byte, m *moment) []byte) (value.Value, error) {
	m, ok := readMoment(c, args)
	if !ok {
		return value.Value{}, nil
	}
	m.toCalendar()
	return value.FromText(string(append(nil, &m))), nil
}

func dateText(c *Context, args []value.Value) (value.Value, error) {
	return written(c, args, appendDate)
}

func timeText(c *Context, args []value.Value) (value.Value, error) {
	return written(c, args, appendTime)
}

func dateTimeText(c *Context, args []value.Value) (value.Value, error) {
	return written(c, args, func(dst []byte, m *moment) []byte {
		return appendTime(append(appendDate(dst, m), ' '), m)
	})
}

func currentDate(c *Context, _ []value.Value) (value.Value, error)      { return dateText(c, nil) }
func currentTime(c *Context, _ []value.Value) (value.Value, error)      { return timeText(c, nil) }
func currentTimestamp(c *Context, _ []value.Value) (value.Value, error) { return dateTimeText(c, nil) }

func appendDate(dst []byte, m *moment) []byte {
	year := m.year
	if year < 0 {
		dst, year = append(dst, '-'), -year
	}
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), m.month, 2)
	return appendPadded(append(dst, '-'), m.day, 2)
}

func appendTime(dst []byte, m *moment) []byte {
	dst = appendPadded(dst, m.hour, 2)
	dst = appendPadded(append(dst, ':'), m.minute, 2)
	dst = append(dst, ':')
	if !m.subsecond {
		return appendPadded(dst, int(m.second), 2)
	}
	ms := int(m.second*1000 + 0.5)
	dst = appendPadded(dst, ms/1000, 2)
	return appendPadded(append(dst, '.'), ms%1000, 3)
}

// appendPadded appends n with zeros before it, a width of characters at least.
func appendPadded(dst []byte, n, width int) []byte {
	if n < 0 {
		dst, n, width = append(dst, '-'), -n, width-1
	}
	for power := 10; width > 1; power, width = power*10, width-1 {
		if n < power {
			for range width - 1 {
				dst = append(dst, '0')
			}
			break
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

func julianDay(c *Context, args []value.Value) (value.Value, error) {
	m, ok := readMoment(c, args)
	if !ok {
		return value.Value{}, nil
	}
	return value.FromReal(float64(m.julian) / day), nil
}

func unixEpoch(c *Context, args []value.Value) (value.Value, error) {
	m, ok := readMoment(c, args)
	switch {
	case !ok:
		return value.Value{}, nil
	case m.subsecond:
		return value.FromReal(float64(m.julian-epoch) / 1000), nil
	}
	return value.FromInt(m.julian/1000 - epoch/1000), nil
}

// timeFormat writes a time as its first argument says.
func timeFormat(c *Context, args []value.Value) (value.Value, error) {
	m, ok := readMoment(c, args[1:])
	if !ok || args[0].IsNull() {
		return value.Value{}, nil
	}
	m.toCalendar()
	pattern := args[0].Text()
	var b []byte
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b = append(b, pattern[i])
			continue
		}
		i++
		if i >= len(pattern) {
			return value.Value{}, nil
		}
		if b, ok = m.appendPart(b, pattern[i]); !ok {
			return value.Value{}, nil
		}
		if err := c.fits(len(b)); err != nil {
			return value.Value{}, err
		}
	}
	return value.FromText(string(b)), nil
}

// appendPart appends what a letter stands for; ok is false where it is nothing.
func (m *moment) appendPart(b []byte, letter byte) (text []byte, ok bool) {
	switch letter {
	case 'd':
		b = appendPadded(b, m.day, 2)
	case 'e':
		b = appendSpaced(b, m.day)
	case 'f':
		b = number{kind: fixed, precision: 3}.append(padSecond(b, m.second), min(m.second, 59.999))
	case 'F':
		b = appendPadded(append(appendPadded(b, m.year, 4), '-'), m.month, 2)
		b = appendPadded(append(b, '-'), m.day, 2)
	case 'G':
		t := m.thursday()
		b = appendPadded(b, t.year, 4)
	case 'g':
		t := m.thursday()
		b = appendPadded(b, t.year%100, 2)
	case 'H':
		b = appendPadded(b, m.hour, 2)
	case 'k':
		b = appendSpaced(b, m.hour)
	case 'I':
		b = appendPadded(b, m.hour12(), 2)
	case 'l':
		b = appendSpaced(b, m.hour12())
	case 'j':
		b = appendPadded(b, m.yearDay()+1, 3)
	case 'J':
		b = number{kind: 'g', precision: 16}.append(b, float64(m.julian)/day)
	case 'm':
		b = appendPadded(b, m.month, 2)
	case 'M':
		b = appendPadded(b, m.minute, 2)
	case 'p', 'P':
		b = append(b, [...]string{"AM", "PM", "am", "pm"}[m.half(letter)]...)
	case 'R':
		b = appendPadded(append(appendPadded(b, m.hour, 2), ':'), m.minute, 2)
	default:
		return m.appendRarePart(b, letter)
	}
	return b, true
}

func (m *moment) appendRarePart(b []byte, letter byte) (text []byte, ok bool) {
	switch letter {
	case 's':
		if m.subsecond {
			b = number{kind: fixed, precision: 3}.append(b, float64(m.julian-epoch)/1000)
		} else {
			b = strconv.AppendInt(b, m.julian/1000-epoch/1000, 10)
		}
	case 'S':
		b = appendPadded(b, int(m.second), 2)
	case 'T':
		whole := *m
		whole.subsecond = false
		b = appendTime(b, &whole)
	case 'u':
		b = append(b, byte('1'+m.afterMonday()))
	case 'w':
		b = append(b, byte('0'+m.afterSunday()))
	case 'U':
		b = appendPadded(b, (m.yearDay()-m.afterSunday()+7)/7, 2)
	case 'W':
		b = appendPadded(b, (m.yearDay()-m.afterMonday()+7)/7, 2)
	case 'V':
		t := m.thursday()
		b = appendPadded(b, t.yearDay()/7+1, 2)
	case 'Y':
		b = appendPadded(b, m.year, 4)
	case '%':
		b = append(b, '%')
	default:
		return nil, false
	}
	return b, true
}

func appendSpaced(b []byte, n int) []byte {
	if n < 10 {
		b = append(b, ' ')
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// padSecond appends the zero before seconds of one figure.
func padSecond(b []byte, second float64) []byte {
	if second < 9.9995 {
		b = append(b, '0')
	}
	return b
}

func (m *moment) hour12() int {
	if h := m.hour % 12; h > 0 {
		return h
	}
	return 12
}

// half is 1 after noon, and more by 2 for small letters.
func (m *moment) half(letter byte) int {
	i := 0
	if m.hour >= 12 {
		i = 1
	}
	if letter == 'P' {
		i += 2
	}
	return i
}

// timeDifference returns what the first time is after the second, as a modifier
// that leads from the second to the first.
func timeDifference(c *Context, args []value.Value) (value.Value, error) {
	to, ok1 := readMoment(c, args[:1])
	from, ok2 := readMoment(c, args[1:])
	if !ok1 || !ok2 {
		return value.Value{}, nil
	}
	to.toCalendar()
	from.toCalendar()
	sign, step := byte('+'), -1
	if to.julian < from.julian {
		sign, step = '-', 1
	}
	years, months := (from.year-to.year)*step, (from.month-to.month)*step
	from.year, from.month = to.year, to.month
	from.again()
	if months < 0 {
		years, months = years-1, months+12
	}
	for (from.julian-to.julian)*int64(-step) > 0 {
		if months--; months < 0 {
			years, months = years-1, 11
		}
		if from.month += step; from.month < 1 || from.month > 12 {
			from.year, from.month = from.year+step, from.month-12*step
		}
		from.again()
	}
	rest := atJulian((to.julian-from.julian)*int64(-step) + 148_699_540_800_000)
	rest.toCalendar()
	b := appendPadded([]byte{sign}, years, 4)
	b = appendPadded(append(b, '-'), months, 2)
	b = appendPadded(append(b, '-'), rest.day-1, 2)
	rest.subsecond = true
	return value.FromText(string(appendTime(append(b, ' '), &rest))), nil
}

// again makes the Julian milliseconds those of a changed date.
func (m *moment) again() {
	m.hasJulian = false
	m.toJulian()
}
