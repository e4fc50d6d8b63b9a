package function

import (
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// moment is a point in time, or what has been read of one. Which parts are known
// changes while modifiers work on it.
type moment struct {
	julian             int64 // milliseconds since noon of the day that Julian days count from
	year, month, day   int
	hour, minute       int
	second             float64 // or a number that nothing is known of yet
	zone               int     // minutes east of Greenwich
	excess             int     // days after the month's last one that the day stands for
	hasJulian, hasDate bool
	hasTime            bool
	raw                bool // second is a number that may be days or seconds
	subsecond          bool // to be written with milliseconds
	local, utc         bool // known to be that
	failed             bool
}

const (
	day        = 86_400_000          // in milliseconds
	epoch      = 210_866_760_000_000 // 1970 as a julian
	lastJulian = 464_269_060_799_999 // the end of 9999
)

// atJulian is a moment that is known as such.
func atJulian(julian int64) moment { return moment{julian: julian, hasJulian: true} }

// readMoment takes the arguments of a date function: a time, and modifiers.
func readMoment(c *Context, args []value.Value) (m moment, ok bool) {
	if len(args) == 0 {
		m = atJulian(c.Now + epoch)
		m.utc = true
		return m, true
	}
	switch v := args[0]; {
	case v.IsNull():
		return m, false
	case v.IsNumber():
		m.setRaw(v.Real())
	case !m.parse(c, v.Text()):
		return m, false
	}
	for i, v := range args[1:] {
		if v.IsNull() || !m.modify(c, v.Text(), i+1) {
			return m, false
		}
	}
	m.toJulian()
	if m.failed || m.julian < 0 || m.julian > lastJulian {
		return m, false
	}
	if len(args) == 1 && m.hasDate && m.day > 28 {
		m.hasDate = false // so that the 31st of February becomes one of March
	}
	return m, true
}

// setRaw takes a number, a Julian day if it can be one.
func (m *moment) setRaw(f float64) {
	m.second, m.raw = f, true
	if f >= 0 && f < 5373484.5 {
		m.julian, m.hasJulian = int64(f*day+0.5), true
	}
}

// parse reads a time as text.
func (m *moment) parse(c *Context, s string) bool {
	if m.parseDate(s) || m.parseTime(s) {
		return true
	}
	if word := value.Fold(s); word == "now" || word == "subsec" || word == "subsecond" {
		*m = atJulian(c.Now + epoch)
		m.utc, m.subsecond = true, word != "now"
		return true
	}
	if f, ok := wholeReal(s); ok {
		m.setRaw(f)
		return true
	}
	return false
}

// parseDate reads YYYY-MM-DD and what may follow it.
func (m *moment) parseDate(s string) bool {
	negative := strings.HasPrefix(s, "-")
	if negative {
		s = s[1:]
	}
	year, ok1 := figures(s, 0, 4, 9999)
	month, ok2 := figures(s, 5, 2, 12)
	monthDay, ok3 := figures(s, 8, 2, 31)
	if !ok1 || !ok2 || !ok3 || s[4] != '-' || s[7] != '-' || month == 0 || monthDay == 0 {
		return false
	}
	s = s[10:]
	for s != "" && (space(s[0]) || s[0] == 'T') {
		s = s[1:]
	}
	if s == "" {
		m.hasTime = false
	} else if !m.parseTime(s) {
		return false
	} else if m.hour == 24 {
		m.hour = 0
		if monthDay++; monthDay > daysIn(year, month) {
			monthDay -= daysIn(year, month)
			if month++; month > 12 {
				month, year = 1, year+1
			}
		}
	}
	if negative {
		year = -year
	}
	m.hasJulian, m.hasDate = false, true
	m.year, m.month, m.day = year, month, monthDay
	m.overflow()
	if m.zone != 0 {
		m.toJulian()
	}
	return true
}

// parseTime reads HH:MM, HH:MM:SS or HH:MM:SS.SSS and a zone.
func (m *moment) parseTime(s string) bool {
	hour, ok1 := figures(s, 0, 2, 24)
	minute, ok2 := figures(s, 3, 2, 59)
	if !ok1 || !ok2 || s[2] != ':' {
		return false
	}
	s = s[5:]
	second, fraction := 0, 0.0
	if strings.HasPrefix(s, ":") {
		var ok bool
		if second, ok = figures(s, 1, 2, 59); !ok {
			return false
		}
		s = s[3:]
		if len(s) > 1 && s[0] == '.' && isDigit(s[1]) {
			scale := 1.0
			for s = s[1:]; s != "" && isDigit(s[0]); s = s[1:] {
				fraction = fraction*10 + float64(s[0]-'0')
				scale *= 10
			}
			fraction = min(fraction/scale, 0.999)
		}
	}
	if hour == 24 && (minute != 0 || second != 0 || fraction != 0) {
		return false
	}
	m.hasJulian, m.raw, m.hasTime = false, false, true
	m.hour, m.minute, m.second = hour, minute, float64(second)+fraction
	return m.parseZone(s)
}

// parseZone reads Z or +HH:MM, and spaces around it.
func (m *moment) parseZone(s string) bool {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	m.zone = 0
	switch {
	case s == "":
		return true
	case s[0] == 'Z' || s[0] == 'z':
		m.local, m.utc = false, true
		return strings.Trim(s[1:], " \t\n\v\f\r") == ""
	case s[0] != '+' && s[0] != '-':
		return false
	}
	hours, ok1 := figures(s, 1, 2, 14)
	minutes, ok2 := figures(s, 4, 2, 59)
	if !ok1 || !ok2 || s[3] != ':' {
		return false
	}
	if m.zone = hours*60 + minutes; s[0] == '-' {
		m.zone = -m.zone
	}
	if m.zone == 0 {
		m.local, m.utc = false, true
	}
	return strings.Trim(s[6:], " \t\n\v\f\r") == ""
}

// figures reads so many digits at s[at:], a number up to most.
func figures(s string, at, count, most int) (n int, ok bool) {
	if len(s) < at+count {
		return 0, false
	}
	for _, c := range []byte(s[at : at+count]) {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= most
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func space(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// overflow notes by how much the day is after the month's last one.
func (m *moment) overflow() { m.excess = max(m.day-daysIn(m.year, m.month), 0) }

// toJulian makes the Julian milliseconds known. Without a date it is 2000-01-01.
func (m *moment) toJulian() {
	if m.hasJulian {
		return
	}
	year, month, monthDay := 2000, 1, 1
	if m.hasDate {
		year, month, monthDay = m.year, m.month, m.day
	} else if m.hasTime && m.hour == 24 {
		m.hour, monthDay = 0, 2
	}
	if year < -4713 || year > 9999 || m.raw {
		*m = moment{failed: true}
		return
	}
	if month <= 2 {
		year, month = year-1, month+12
	}
	century := (year + 4800) / 100
	days := 36525*(year+4716)/100 + 306001*(month+1)/10000 + monthDay + 38 - century + century/4
	m.julian = int64(days)*day - 1524*day - day/2
	m.hasJulian = true
	if m.hasTime {
		m.julian += int64(m.hour)*3_600_000 + int64(m.minute)*60_000 + int64(m.second*1000+0.5)
		if m.zone != 0 {
			m.julian -= int64(m.zone) * 60_000
			m.forget()
			m.utc, m.local = true, false
		}
	}
}

// forget drops all that is known beside the Julian milliseconds.
func (m *moment) forget() { m.hasDate, m.hasTime, m.zone = false, false, 0 }

// toCalendar makes date and time of day known.
func (m *moment) toCalendar() {
	m.toDate()
	m.toTime()
}

func (m *moment) toDate() {
	switch {
	case m.hasDate:
		return
	case !m.hasJulian:
		m.year, m.month, m.day = 2000, 1, 1
	case m.julian < 0 || m.julian > lastJulian:
		*m = moment{failed: true}
		return
	default:
		z := int((m.julian + day/2) / day)
		alpha := int((float64(z)+32044.75)/36524.25) - 52
		b := z + 1 + alpha - (alpha+100)/4 + 25 + 1524
		c := int((float64(b) - 122.1) / 365.25)
		d := 36525 * (c & 32767) / 100
		e := int(float64(b-d) / 30.6001)
		m.day = b - d - int(30.6001*float64(e))
		m.month, m.year = e-1, c-4716
		if e >= 14 {
			m.month = e - 13
		}
		if m.month <= 2 {
			m.year++
		}
	}
	m.hasDate = true
}

func (m *moment) toTime() {
	if m.hasTime {
		return
	}
	m.toJulian()
	inDay := int((m.julian + day/2) % day)
	m.second = float64(inDay%60_000) / 1000
	m.hour, m.minute = inDay/3_600_000, inDay/60_000%60
	m.raw, m.hasTime = false, true
}

// yearDay counts days after the first of January, from 0 on.
func (m *moment) yearDay() int {
	january := *m
	january.hasJulian, january.month, january.day = false, 1, 1
	january.toJulian()
	return int((m.julian - january.julian + day/2) / day)
}

// afterMonday counts days after a Monday.
func (m *moment) afterMonday() int { return int((m.julian + day/2) / day % 7) }

func (m *moment) afterSunday() int { return int((m.julian + day + day/2) / day % 7) }

// thursday is the Thursday of the same week, which tells the week's year.
func (m *moment) thursday() moment {
	t := *m
	t.julian += int64(3-m.afterMonday()) * day
	t.hasDate = false
	t.toDate()
	return t
}
