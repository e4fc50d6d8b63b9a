//go:build !js

package value_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/slt/sqlite"
	. "github.com/stowage-db/stowage/query/sql/value"
)

// right answers expressions as SQLite does.
type right struct {
	t *testing.T
	slt.Engine
}

func openSQLite(t *testing.T) right {
	engine, err := sqlite.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return right{t, engine}
}

// exec runs a statement that has no rows.
func (s right) exec(statement string) {
	s.t.Helper()
	if _, err := s.Run(statement); err != nil {
		s.t.Fatal(err)
	}
}

// ask evaluates expressions, many in a statement.
func (s right) ask(expressions []string) (answers []Value) {
	s.t.Helper()
	for some := range slices.Chunk(expressions, 500) {
		rows, err := s.Run("select " + strings.Join(some, ", "))
		if err != nil {
			s.t.Fatalf("%v\nof %s", err, strings.Join(some, "\n"))
		}
		answers = append(answers, rows[0]...)
	}
	return answers
}

// literal writes v as SQL.
func literal(v Value) string {
	switch v.Kind() {
	case Integer:
		if v.Int() == math.MinInt64 {
			return "(-9223372036854775807-1)"
		}
		return "(" + strconv.FormatInt(v.Int(), 10) + ")"
	case Real:
		if f := v.Real(); math.IsInf(f, 0) {
			return "(" + strings.Replace(strconv.FormatFloat(f, 'f', -1, 64), "Inf", "9e999", 1) + ")"
		}
		return "(" + strconv.FormatFloat(v.Real(), 'e', -1, 64) + ")"
	case Text:
		return "'" + strings.ReplaceAll(v.Raw(), "'", "''") + "'"
	case Blob:
		return fmt.Sprintf("x'%x'", v.Raw())
	}
	return "null"
}

// show tells values of different classes apart.
func show(v Value) string {
	return fmt.Sprintf("%s %q", [...]string{"null", "integer", "real", "text", "blob", "document"}[v.Kind()], v.Text())
}

// same reports whether two values are the same in class and in every bit, but for
// the sign of zero.
func same(a, b Value) bool {
	if a.Kind() == Real && b.Kind() == Real {
		return a.Real() == b.Real()
	}
	return a.Kind() == b.Kind() && a.Text() == b.Text()
}

// edges are values at which rules change.
func edges() []Value {
	values := []Value{{}}
	for _, i := range []int64{0, 1, -1, 2, -2, 3, 7, 10, 63, 64, 65, -63, -64, -65, 255, 256, 1 << 31, 1<<53 - 1, 1 << 53, 1<<53 + 1, -1<<53 - 1,
		1<<62 - 1, 1 << 62, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, 3037000500, -3037000500, 123456789012345678} {
		values = append(values, FromInt(i))
	}
	for _, f := range []float64{0, 1, -1, 0.1, 0.5, -0.5, 1.5, -1.5, 2.5, 1.0 / 3, 0.1 + 0.2, 100, 1e15, 1e16, 1e17, 123456789012345680, 9007199254740993,
		9223372036854775807, -9223372036854775808, 9223372036854774784, 9223372036854777856, 1e18, 1e19, 1e20, 1e300, -1e300, 1e-300, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1),
		1e-4, 1e-5, 0.00012345, 49.47, 99.99, 999999999999999.9, 9.999999999999999e22, 2251799813685248, 2251799813685247.5, 3.0, 64.5} {
		values = append(values, FromReal(f))
	}
	for _, s := range []string{"", " ", "a", "A", "b", "abc", "ABC", "aBc", "abc ", "abc  ", "0", "1", " 1 ", "\t2\n", "+3", "-4", "1.0", "1.", ".5", "-.5", ".", "-", "+", "e", "1e", "1e+", "1e3", "1E-3",
		"1.5abc", "12abc", "0x10", "1_000", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9223372036854775807.0",
		"99999999999999999999", "99999999999999999999abc", "00000000000000000000000000001", "123456789012345678901234567890", "0.1234567890123456789012345", "1e400", "-1e400", "1e-400",
		"inf", "nan", "Infinity", "9007199254740993", "9007199254740993.0", "1e15", "2251799813685248.0", "4503599627370496.0", "é", "É", "日本", "a\u0301", "z", "\U0001f600", "true", "5.9", "1e3x", "- 1", "--1", "1 2"} {
		values = append(values, FromText(s))
	}
	for _, b := range []string{"", "a", "abc", "1", "12abc", "1.5", "\xff\x00", "A"} {
		values = append(values, FromBlob([]byte(b)))
	}
	return values
}

// agree asks SQLite about expressions and compares with what we computed.
func (s right) agree(expressions []string, ours []Value) {
	s.t.Helper()
	failures := 0
	for i, theirs := range s.ask(expressions) {
		if !same(ours[i], theirs) {
			if failures++; failures <= 20 {
				s.t.Errorf("%s: SQLite %s, ours %s", expressions[i], show(theirs), show(ours[i]))
			}
		}
	}
	if failures > 20 {
		s.t.Errorf("and %d more", failures-20)
	}
	if len(ours) == 0 {
		s.t.Error("nothing was compared")
	}
}

func TestUnary(t *testing.T) {
	s := openSQLite(t)
	for form, f := range map[string]func(v Value) Value{
		"%s":                             func(v Value) Value { return v },
		"-%s":                            Negate,
		"~%s":                            BitNot,
		"not %s":                         Not,
		"cast(%s as integer)":            IntegerAffinity.Cast,
		"cast(%s as real)":               RealAffinity.Cast,
		"cast(%s as text)":               TextAffinity.Cast,
		"cast(%s as blob)":               BlobAffinity.Cast,
		"cast(%s as numeric)":            NumericAffinity.Cast,
		"%s||''":                         func(v Value) Value { return Concat(v, FromText("")) },
		"%s+0":                           func(v Value) Value { return Add(v, FromInt(0)) },
		"case when %s then 1 else 0 end": func(v Value) Value { holds, _ := v.Truth(); return FromBool(holds) },
	} {
		var expressions []string
		var ours []Value
		for _, v := range edges() {
			expressions = append(expressions, fmt.Sprintf(form, literal(v)))
			ours = append(ours, f(v))
		}
		s.agree(expressions, ours)
	}
}

// compared is a comparison's answer: NULL where a side is.
func compared(a, b Value, c Collation, holds func(order int) bool) Value {
	if a.IsNull() || b.IsNull() {
		return Value{}
	}
	return FromBool(holds(Compare(a, b, c)))
}

func TestBinary(t *testing.T) {
	s := openSQLite(t)
	less := func(order int) bool { return order < 0 }
	equal := func(order int) bool { return order == 0 }
	values := edges()
	for form, f := range map[string]func(a, b Value) Value{
		"%s + %s": Add, "%s - %s": Subtract, "%s * %s": Multiply, "%s / %s": Divide, "%s %% %s": Remainder,
		"%s & %s": BitAnd, "%s | %s": BitOr, "%s << %s": ShiftLeft, "%s >> %s": ShiftRight, "%s || %s": Concat,
		"%s and %s": And, "%s or %s": Or,
		"%s < %s":                func(a, b Value) Value { return compared(a, b, Binary, less) },
		"%s = %s":                func(a, b Value) Value { return compared(a, b, Binary, equal) },
		"%s is %s":               func(a, b Value) Value { return FromBool(Equal(a, b, Binary)) },
		"%s < %s collate nocase": func(a, b Value) Value { return compared(a, b, NoCase, less) },
		"%s = %s collate rtrim":  func(a, b Value) Value { return compared(a, b, RTrim, equal) },
	} {
		var expressions []string
		var ours []Value
		for _, a := range values {
			for _, b := range values {
				expressions = append(expressions, fmt.Sprintf(form, literal(a), literal(b)))
				ours = append(ours, f(a, b))
			}
		}
		s.agree(expressions, ours)
	}
}

// TestAffinity puts every value into a column of every affinity, and compares
// columns with columns and with what is none.
func TestAffinity(t *testing.T) {
	s := openSQLite(t)
	declared := []string{"integer", "text", "blob", "real", "numeric", "varchar(3)", "floating point", "charint", "decimal(1,2)", ""}
	for _, column := range declared {
		affinity := AffinityOf(column)
		s.exec("create table t(id integer primary key, c " + column + ")")
		values := edges()
		var expressions []string
		var ours []Value
		for i, v := range values {
			s.exec(fmt.Sprintf("insert into t values (%d, %s)", i, literal(v)))
			expressions = append(expressions, fmt.Sprintf("(select c from t where id = %d)", i))
			ours = append(ours, affinity.Apply(v))
		}
		for range 500 {
			i := rand.IntN(len(values))
			a, b := affinity.Apply(values[i]), values[rand.IntN(len(values))]
			expressions = append(expressions, fmt.Sprintf("(select c < %s from t where id = %d)", literal(b), i))
			common := CompareAffinity(affinity, NoAffinity)
			ours = append(ours, compared(common.Apply(a), common.Apply(b), Binary, func(order int) bool { return order < 0 }))
		}
		s.agree(expressions, ours)
		s.exec("drop table t")
	}
}

// TestReals writes many reals and reads them again.
func TestReals(t *testing.T) {
	s := openSQLite(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var expressions []string
	var ours []Value
	for range 20000 {
		f := math.Float64frombits(random.Uint64())
		switch random.IntN(5) {
		case 0:
			f = float64(random.IntN(1e6)) / 100
		case 1:
			f = math.Round(random.NormFloat64()*1e9) / math.Pow(10, float64(random.IntN(15)))
		case 2:
			f = float64(random.Int64N(1e18)) * math.Pow(10, float64(random.IntN(6)))
		case 3:
			f = random.NormFloat64()
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		expressions = append(expressions, literal(FromReal(f))+"||''")
		ours = append(ours, FromText(FromReal(f).Text()))
	}
	for range 10000 {
		digits := make([]byte, 1+random.IntN(40))
		for i := range digits {
			digits[i] = byte('0' + random.IntN(10))
		}
		if at := random.IntN(2 * len(digits)); at < len(digits) {
			digits[at] = '.'
		}
		text := string(digits)
		if random.IntN(2) == 0 {
			text += "e" + strconv.Itoa(random.IntN(700)-350)
		}
		expressions = append(expressions, "cast('"+text+"' as real)", "'"+text+"'+0")
		ours = append(ours, FromReal(FromText(text).Real()), Add(FromText(text), FromInt(0)))
	}
	s.agree(expressions, ours)
}

func TestPatterns(t *testing.T) {
	s := openSQLite(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	text := func(alphabet []string, most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	var expressions []string
	var ours []Value
	for range 20000 {
		pattern := text([]string{"%", "_", "a", "B", "b", "é", "É", "!", "日", "%a"}, 7)
		subject := text([]string{"a", "A", "b", "é", "!", "日", "%", "_"}, 8)
		expressions = append(expressions, fmt.Sprintf("'%s' like '%s'", subject, pattern), fmt.Sprintf("'%s' like '%s' escape '!'", subject, pattern))
		ours = append(ours, FromBool(Like(pattern, subject, 0)), FromBool(Like(pattern, subject, '!')))
		pattern = text([]string{"*", "?", "a", "B", "[ab]", "[^a]", "[a-c]", "[]a]", "[", "]", "-", "é", "[日]", "^", "[^]-]", "[a-]"}, 6)
		expressions = append(expressions, fmt.Sprintf("'%s' glob '%s'", subject, pattern))
		ours = append(ours, FromBool(Glob(pattern, subject)))
	}
	s.agree(expressions, ours)
}

// TestHash wants equal values to have equal hashes, and different ones mostly not.
func TestHash(t *testing.T) {
	values := edges()
	for _, c := range []Collation{Binary, NoCase, RTrim} {
		collisions := 0
		for _, a := range values {
			for _, b := range values {
				switch same := Hash(1, &a, c) == Hash(1, &b, c); {
				case Equal(a, b, c) && !same:
					t.Errorf("%s and %s are equal, their hashes are not", show(a), show(b))
				case !Equal(a, b, c) && same:
					collisions++
				}
			}
		}
		if collisions > 0 {
			t.Errorf("%d pairs of different values have one hash", collisions)
		}
	}
}
