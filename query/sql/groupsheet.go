package sql

import "github.com/stowage-db/stowage/query/sql/value"

// groupSheets is what it takes to group whole sheets.
type groupSheets struct {
	at     []int // the groups of a sheet's rows
	recent [256]recentGroup
}

// recentGroup is where a key was found last, by its word: few keys make most rows.
type recentGroup struct {
	word, kind uint64 // kind is 0 where there is none
	group      int
}

// takesSheets reports whether that is all one: there is one key at most, it and what is
// aggregated are places, and nothing else is asked.
func (g *grouper) takesSheets() bool {
	if len(g.places) > 1 || len(g.places) == 1 && g.places[0].kind != termSlot {
		return false
	}
	for _, call := range g.calls {
		if !call.plain || call.filter != nil || len(call.args) > 1 {
			return false
		}
	}
	return true
}

// takeSheet adds rows to their groups. It refuses those of which something is not in the sheet.
func (g *grouper) takeSheet(s *sheet) (taken bool, err error) {
	for i := range g.places {
		taken = s.column(g.places[i].number) != nil
		if !taken {
			return false, nil
		}
	}
	last := -1
	for i, call := range g.calls {
		if len(call.args) > 0 && s.column(call.first) == nil {
			return false, nil
		}
		if g.extreme && call.extreme {
			last = i
		}
	}
	if err := g.placeSheet(s); err != nil {
		return true, err
	}
	for i := range g.calls {
		if err := g.joinColumn(s, i, i == last); err != nil {
			return true, err
		}
	}
	return true, nil
}

// joinColumn takes what a call aggregates into the groups of the rows. stands: the row of its
// extreme stands for the group.
func (g *grouper) joinColumn(s *sheet, i int, stands bool) error {
	var column, args []value.Value
	if call := g.calls[i]; len(call.args) > 0 {
		column = s.column(call.first)
	}
	for n, row := range s.rows {
		if column != nil {
			args = column[row : row+1 : row+1]
		}
		one := g.groups[g.sheets.at[n]]
		if !stands {
			if err := one.states[i].Step(args); err != nil {
				return fail(codeInvalid, -1, err.Error())
			}
			continue
		}
		if err := g.tell(one, i, g.calls[i], args); err != nil {
			return err
		}
		if !one.other {
			s.enter(g.r, row)
			g.represent(one)
		}
	}
	return nil
}

// placeSheet finds the groups of a sheet's rows. Those that have to wait are no longer among
// them.
func (g *grouper) placeSheet(s *sheet) error {
	at := g.sheets.at[:0]
	if len(g.keys) == 0 {
		s.enter(g.r, s.rows[0])
		for range s.rows {
			at = append(at, 0)
		}
		g.sheets.at = at
		_, err := g.place()
		return err
	}
	kept := s.rows[:0]
	key := s.column(g.places[0].number)
	for _, row := range s.rows {
		word, kind := key[row].Word()
		recent := &g.sheets.recent[(word+kind)*0x9e3779b97f4a7c15>>56]
		group := recent.group
		if kind == 0 || recent.word != word || recent.kind != kind {
			s.enter(g.r, row)
			g.key[0] = key[row]
			var err error
			if group, err = g.place(); err != nil {
				return err
			}
			if group < 0 {
				continue
			}
			*recent = recentGroup{word, kind, group}
		}
		kept, at = append(kept, row), append(at, group)
	}
	s.rows, g.sheets.at = kept, at
	return nil
}
