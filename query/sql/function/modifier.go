package function

import (
	"math"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// wholeReal reads a text that is nothing but a number.
func wholeReal(s string) (f float64, ok bool) {
	v, ok := value.ParseNumber(s)
	return v.Real(), ok
}

// modify changes the moment as a modifier says, the nth after the time. It reports
// false where it is none.
func (m *moment) modify(c *Context, s string, nth int) bool {
	if s == "" {
		return false
	}
	if isDigit(s[0]) || s[0] == '+' || s[0] == '-' {
		return m.shift(s)
	}
	word := value.Fold(s)
	if unit, found := strings.CutPrefix(word, "start of "); found {
		return m.startOf(unit)
	}
	if unit, found := strings.CutPrefix(word, "end of "); found {
		return m.endOf(unit)
	}
	if number, found := strings.CutPrefix(word, "weekday "); found {
		return m.toWeekday(number)
	}
	switch word {
	case "auto":
		return nth == 1 && m.guess()
	case "julianday":
		ok := nth == 1 && m.hasJulian && m.raw
		m.raw = m.raw && !ok
		return ok
	case "unixepoch":
		return m.raw && nth == 1 && m.fromUnix()
	case "ceiling", "floor":
		m.toJulian()
		if word == "floor" {
			m.julian -= int64(m.excess) * day
		} else {
			m.excess = 0
		}
		m.forget()
		return true
	case "subsec", "subsecond":
		m.subsecond = true
		return true
	case "localtime":
		if !m.local {
			m.toJulian()
			m.move(c.zone(m.julian))
		}
		m.utc, m.local = false, true
		return true
	case "utc":
		if !m.utc {
			m.toJulian()
			away := c.zone(m.julian)
			*m = atJulian(m.julian - int64(c.zone(m.julian-int64(away)*60_000))*60_000)
			m.utc = true
		}
		return true
	}
	return false
}

// zone is how many minutes local time is ahead of UTC.
func (c *Context) zone(julian int64) int {
	if c.Zone == nil {
		return 0
	}
	return c.Zone(julian - epoch)
}

// move goes on by minutes.
func (m *moment) move(minutes int) {
	subsecond, excess := m.subsecond, m.excess
	*m = atJulian(m.julian + int64(minutes)*60_000)
	m.subsecond, m.excess = subsecond, excess
}

// guess takes a number that no Julian day is as seconds since 1970.
func (m *moment) guess() bool {
	if !m.raw || m.hasJulian {
		m.raw = false
		return true
	}
	if m.second >= -210866760000 && m.second <= 253402300799 {
		m.fromUnix()
	}
	return true
}

func (m *moment) fromUnix() bool {
	f := m.second*1000 + epoch
	if f < 0 || f >= lastJulian+1 {
		return false
	}
	m.forget()
	m.julian, m.hasJulian, m.raw = int64(f+0.5), true, false
	return true
}

// startOf goes back to the beginning of a day, month or year.
func (m *moment) startOf(unit string) bool {
	if !m.hasJulian && !m.hasDate && !m.hasTime {
		return false
	}
	m.toDate()
	m.hasTime, m.hour, m.minute, m.second = true, 0, 0, 0
	m.raw, m.zone, m.hasJulian = false, 0, false
	switch unit {
	case "year":
		m.month, m.day = 1, 1
	case "month":
		m.day = 1
	case "day":
	default:
		return false
	}
	return true
}

// endOf goes on to the last millisecond of a day, month or year.
func (m *moment) endOf(unit string) bool {
	if !m.hasJulian && !m.hasDate && !m.hasTime {
		return false
	}
	m.toDate()
	m.hasTime, m.hour, m.minute, m.second = true, 23, 59, 59.999
	m.raw, m.zone, m.hasJulian = false, 0, false
	switch unit {
	case "year":
		m.month, m.day = 12, 31
	case "month":
		m.day = 1
		if m.month++; m.month > 12 {
			m.year, m.month = m.year+1, 1
		}
		m.overflow()
		m.toJulian()
		m.julian -= day
		m.forget()
	case "day":
	default:
		return false
	}
	return true
}

// toWeekday goes on to the next day of a number, 0 being Sunday, or back for −0 to −6.
func (m *moment) toWeekday(number string) bool {
	f, ok := wholeReal(number)
	if !ok || f < -6 || f > 6 || f != math.Trunc(f) {
		return false
	}
	m.toCalendar()
	m.zone, m.hasJulian = 0, false
	m.toJulian()
	wanted := int64(math.Abs(f))
	if today := int64(m.afterSunday()); today != wanted {
		if today > wanted {
			today -= 7
		}
		m.julian += (wanted - today) * day
		if strings.Contains(number, "-") {
			m.julian -= 7 * day
		}
	}
	m.forget()
	return true
}

// units are what a number of them may be added, how many at most, and their
// milliseconds.
var units = [...]struct {
	name  string
	limit float64
	ms    float64
}{
	{"second", 4.6427e14, 1000},
	{"minute", 7.7379e12, 60_000},
	{"hour", 1.2897e11, 3_600_000},
	{"day", 5373485, day},
	{"month", 176546, 30 * day},
	{"year", 14713, 365 * day},
}

// shift adds "NNN days", "±HH:MM:SS.SSS" or "±YYYY-MM-DD HH:MM".
func (m *moment) shift(s string) bool {
	n := 1
	for n < len(s) && s[n] != ':' && !space(s[n]) && !yearEnds(s, n) {
		n++
	}
	f, ok := wholeReal(s[:n])
	if !ok {
		return false
	}
	back := s[0] == '-'
	if n < len(s) && s[n] == '-' {
		rest, ok := m.shiftDate(s, n, back)
		if !ok || rest == "" {
			return ok
		}
		if len(rest) < 6 || !space(rest[0]) || rest[3] != ':' {
			return false
		}
		return m.shiftTime(rest[1:], back)
	}
	if n < len(s) && s[n] == ':' {
		return m.shiftTime(strings.TrimLeft(s[:1], "+-")+s[1:], back)
	}
	return m.shiftUnits(f, value.Fold(strings.TrimLeft(s[n:], " \t\n\v\f\r")))
}

// yearEnds reports whether s[n] is the hyphen after a year of four or five digits.
func yearEnds(s string, n int) bool {
	if s[n] != '-' || n != 5 && n != 6 {
		return false
	}
	_, ok := figures(s, 1, n-1, 14712)
	return ok
}

// shiftDate adds ±YYYY-MM-DD, whose year ends at s[n], and returns what follows.
func (m *moment) shiftDate(s string, n int, back bool) (rest string, ok bool) {
	if s[0] != '+' && s[0] != '-' {
		return "", false
	}
	years, ok1 := figures(s, 1, n-1, 14712)
	months, ok2 := figures(s, n+1, 2, 11)
	days, ok3 := figures(s, n+4, 2, 30)
	if !ok1 || !ok2 || !ok3 || s[n+3] != '-' {
		return "", false
	}
	if back {
		years, months, days = -years, -months, -days
	}
	m.toCalendar()
	m.hasJulian = false
	m.year += years
	m.addMonths(months)
	m.overflow()
	m.toJulian()
	m.hasDate, m.hasTime = false, false
	m.julian += int64(days) * day
	return s[n+6:], true
}

func (m *moment) addMonths(n int) {
	m.month += n
	years := (m.month - 12) / 12
	if m.month > 0 {
		years = (m.month - 1) / 12
	}
	m.year += years
	m.month -= years * 12
}

func (m *moment) shiftTime(s string, back bool) bool {
	var t moment
	if !t.parseTime(s) {
		return false
	}
	t.toJulian()
	by := (t.julian - day/2) % day
	if back {
		by = -by
	}
	m.toJulian()
	m.forget()
	m.julian += by
	return true
}

func (m *moment) shiftUnits(f float64, unit string) bool {
	if len(unit) < 3 || len(unit) > 10 {
		return false
	}
	unit = strings.TrimSuffix(unit, "s")
	m.toJulian()
	m.excess = 0
	for i, u := range units {
		if u.name != unit || f <= -u.limit || f >= u.limit {
			continue
		}
		if i >= 4 {
			whole := math.Trunc(f)
			m.toCalendar()
			if u.name == "month" {
				m.addMonths(int(whole))
			} else {
				m.year += int(whole)
			}
			m.overflow()
			m.hasJulian = false
			f -= whole
		}
		m.toJulian()
		m.julian += int64(f*1000*(u.ms/1000) + math.Copysign(0.5, f))
		m.forget()
		return true
	}
	m.forget()
	return false
}
