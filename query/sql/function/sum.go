package function

import (
	"math"

	"github.com/stowage-db/stowage/query/sql/value"
)

// sum adds numbers up: integers exactly as long as all are that, then reals with
// what each addition loses kept beside.
type sum struct {
	as       sumKind
	count    int64
	whole    int64
	real     bool // what counts are the reals
	overflow bool // integers only, whose sum does not fit
	total    float64
	lost     float64
}

type sumKind uint8

const (
	exactSum sumKind = iota // an integer where all are; NULL of none
	totalSum                // always a real
	mean
)

func (s *sum) Step(args []value.Value) error {
	switch at := &args[0]; { // most rows are like those before
	case s.real && at.Kind() == value.Real:
		s.count++
		s.overflow = false
		s.addReal(at.Real())
		return nil
	case !s.real && at.Kind() == value.Integer:
		i := at.Int()
		if next := s.whole + i; (next < s.whole) == (i < 0) {
			s.count++
			s.whole = next
			return nil
		}
	}
	v := value.Number(args[0])
	if v.IsNull() {
		return nil
	}
	s.count++
	switch {
	case s.real:
		s.add(v, 1)
	case v.Kind() != value.Integer:
		s.toReal()
		s.overflow = false
		s.add(v, 1)
	default:
		next := value.Add(value.FromInt(s.whole), v)
		if next.Kind() == value.Integer {
			s.whole = next.Int()
			return nil
		}
		s.toReal()
		s.overflow = true
		s.add(v, 1)
	}
	return nil
}

func (s *sum) Undo(args []value.Value) error {
	v := value.Number(args[0])
	if v.IsNull() {
		return nil
	}
	s.count--
	if s.real {
		s.add(v, -1)
		return nil
	}
	next := value.Subtract(value.FromInt(s.whole), v)
	if next.Kind() != value.Integer {
		s.toReal()
		s.overflow = true
		s.add(v, -1)
		return nil
	}
	s.whole = next.Int()
	return nil
}

// toReal goes on with reals.
func (s *sum) toReal() {
	s.real = true
	large, small := parts(s.whole)
	s.total, s.lost = float64(large), float64(small)
}

// parts are two integers whose sum i is, that reals hold exactly.
func parts(i int64) (large, small int64) {
	const exact = 1 << 52
	if -exact < i && i < exact {
		return i, 0
	}
	small = i % 16384
	return i - small, small
}

func (s *sum) add(v value.Value, sign int64) {
	if v.Kind() == value.Integer {
		large, small := parts(v.Int())
		s.addReal(float64(large) * float64(sign))
		if small != 0 {
			s.addReal(float64(small * sign))
		}
		return
	}
	s.overflow = false
	s.addReal(float64(sign) * v.Real())
}

func (s *sum) addReal(f float64) {
	next := s.total + f
	if math.Abs(s.total) > math.Abs(f) {
		s.lost += s.total - next + f
	} else {
		s.lost += f - next + s.total
	}
	s.total = next
}

func (s *sum) Result() (value.Value, error) {
	if s.count == 0 {
		if s.as == totalSum {
			return value.FromReal(0), nil
		}
		return value.Value{}, nil
	}
	if !s.real {
		switch s.as {
		case exactSum:
			return value.FromInt(s.whole), nil
		case totalSum:
			return value.FromReal(float64(s.whole)), nil
		}
		return value.FromReal(float64(s.whole) / float64(s.count)), nil
	}
	if s.overflow && s.as == exactSum {
		return value.Value{}, Error("integer overflow")
	}
	f := s.total
	if !math.IsInf(s.lost, 0) && !math.IsNaN(s.lost) {
		f += s.lost
	}
	if s.as == mean {
		f /= float64(s.count)
	}
	return value.FromReal(f), nil
}

func (s *sum) Size() int { return 56 }
