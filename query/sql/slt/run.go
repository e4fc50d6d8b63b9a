package slt

import (
	"crypto/md5"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Failure is a record that an engine did not answer as it should.
type Failure struct {
	Record *Record
	Reason string
}

func (f Failure) Error() string {
	return fmt.Sprintf("line %d: %s\n%s", f.Record.Line, f.Reason, f.Record.SQL)
}

// Run lets an engine run records one after the other, those that are for it. It
// returns how many it ran, and which failed.
func Run(engine Engine, records []Record) (ran int, failures []Failure) {
	labels := map[string]string{}
	for i := range records {
		r := &records[i]
		if !r.For(engine.Name()) {
			continue
		}
		ran++
		if reason := r.check(engine, labels); reason != "" {
			failures = append(failures, Failure{r, reason})
		}
	}
	return ran, failures
}

// check runs a record and says what is wrong, "" for nothing.
func (r *Record) check(engine Engine, labels map[string]string) string {
	rows, err := engine.Run(r.SQL)
	switch {
	case r.Fails && err == nil:
		return "it should have been an error"
	case r.Fails:
		return ""
	case err != nil:
		return err.Error()
	case r.Types == "":
		return ""
	}
	if len(rows) > 0 && len(rows[0]) != len(r.Types) {
		return fmt.Sprintf("%d columns, not %d", len(rows[0]), len(r.Types))
	}
	values := r.Format(rows)
	got := hashed(values)
	if before, known := labels[r.Label]; r.Label != "" {
		if known && before != got {
			return "another result than the query of the same label before: " + got
		}
		labels[r.Label] = got
	}
	if slices.Equal(values, r.Wanted) || len(r.Wanted) == 1 && r.Wanted[0] == got {
		return ""
	}
	const most = 20
	if len(values) > most {
		values = append(values[:most:most], "…", got)
	}
	return fmt.Sprintf("got\n\t%s\nwanted\n\t%s", strings.Join(values, "\n\t"), strings.Join(r.Wanted, "\n\t"))
}

// Expect returns what stands below a query with these values.
func (r *Record) Expect(rows [][]value.Value) []string {
	values := r.Format(rows)
	if r.threshold > 0 && len(values) > r.threshold {
		return []string{hashed(values)}
	}
	return values
}

// Format writes rows as values of a file, a line each, sorted as the record says.
func (r *Record) Format(rows [][]value.Value) []string {
	lines := make([][]string, len(rows))
	for i, row := range rows {
		for j, v := range row {
			lines[i] = append(lines[i], format(v, r.Types[min(j, len(r.Types)-1)]))
		}
	}
	if r.Sort == RowSort {
		slices.SortFunc(lines, slices.Compare)
	}
	values := slices.Concat(lines...)
	if r.Sort == ValueSort {
		slices.Sort(values)
	}
	return values
}

// format writes a value as one of a column of a type: I, R or T.
func format(v value.Value, kind byte) string {
	switch {
	case v.IsNull():
		return "NULL"
	case kind == 'I':
		return strconv.FormatInt(v.Int(), 10)
	case kind == 'R':
		return strconv.FormatFloat(v.Real(), 'f', 3, 64)
	}
	text := []byte(v.Text())
	if len(text) == 0 {
		return "(empty)"
	}
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '@'
		}
	}
	return string(text)
}

// hashed is a line that stands for many values.
func hashed(values []string) string {
	hash := md5.New()
	for _, v := range values {
		hash.Write([]byte(v))
		hash.Write([]byte{'\n'})
	}
	return fmt.Sprintf("%d values hashing to %x", len(values), hash.Sum(nil))
}
