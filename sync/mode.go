package sync

// Mode says how much of an origin a view wants. Of two, that of a view and that of a
// relation, the lesser holds. What each does about something that is here in whole, in
// part or not at all is said by the table below, which js/VIEW.md explains. Pages have the
// same in js/src/sync/mode.ts.
type Mode int

// The modes, from the least that the origin is asked to the most. Zero is no limit.
const (
	Offline         Mode = iota + 1 // never touches the network
	PreferCache                     // asks for what is not here
	CacheFirst                      // shows what is here, and asks for the next time
	OfflineFallback                 // asks, and shows what is here where there is no answer
	Freshen                         // asks for everything once
)

func (m Mode) String() string {
	names := []string{"", "offline", "prefer-cache", "cache-first", "offline-fallback", "freshen"}
	if m < 0 || int(m) >= len(names) {
		return "unknown"
	}
	return names[m]
}

// least returns the mode that asks least, of those that are given.
func least(modes ...Mode) Mode {
	lesser := Freshen
	for _, m := range modes {
		if m != 0 {
			lesser = min(lesser, m)
		}
	}
	return lesser
}

// state is how something is here.
type state int

const (
	fresh    state = iota // asked for since the view was opened
	complete              // whole
	stale                 // whole, and older than it may be
	partial               // not all of it is here
	evicted               // nothing of it is here, for it never was, or no longer is
)

// shows reports whether there is something whole to be shown.
func (s state) shows() bool { return s <= stale }

type doing int

const (
	show   doing = iota // what is here
	ask                 // the origin
	behind              // shows what is here, and asks for the next time
	try                 // asks, and shows what is here where there is no answer
	refuse
)

// does has for each mode what it does about each state, in the order of the constants.
var does = map[Mode][5]doing{
	Offline:         {show, show, show, refuse, refuse},
	PreferCache:     {show, show, ask, ask, ask},
	CacheFirst:      {show, behind, behind, ask, ask},
	OfflineFallback: {show, try, try, try, try},
	Freshen:         {show, ask, ask, ask, ask},
}
