package sync

import "time"

// guard refuses to ask the same over and over without a wait: five times in half a
// second is a loop, however it has come about. Pages have the same in js/src/sync/guard.ts.
type guard struct {
	handle, offset string
	follow         bool
	times          []time.Time
}

const (
	loopRequests = 5
	loopTime     = 500 * time.Millisecond
)

func (g *guard) admit(at *Position, follow bool) error {
	if g.handle != at.Handle || g.offset != at.Offset || g.follow != follow {
		*g = guard{handle: at.Handle, offset: at.Offset, follow: follow}
	}
	g.times = append(g.times, time.Now())
	if len(g.times) <= loopRequests {
		return nil
	}
	g.times = g.times[1:]
	if g.times[loopRequests-1].Sub(g.times[0]) > loopTime {
		return nil
	}
	return &Unanswered{Again: true, Floor: loopTime, what: "the same was asked over and over"}
}
