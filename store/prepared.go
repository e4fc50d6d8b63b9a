package store

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Prepared is an SQL statement that was given a plan.
type Prepared struct {
	plan  *sql.Statement
	tail  int          // of its text, where what follows it begins
	asked []*described // the tables whose columns were looked for in all documents
	sized []sized      // the tables that it reads
	uses  atomic.Int64
}

// sized is how many documents a table had when a statement was given its plan.
type sized struct {
	known *described
	rows  int64
}

// Columns are the names of what its rows consist of.
func (p *Prepared) Columns() []string { return p.plan.Columns }

// Tables are the names of the tables that it reads or writes, in views too.
func (p *Prepared) Tables() []string {
	var names []string
	for _, t := range p.sized {
		if name := t.known.table.name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Writes reports whether it needs a writing transaction.
func (p *Prepared) Writes() bool { return p.plan.Writes }

// Prepare returns the plan of the only statement in a text: one that was made before, where there
// is one and no definition has changed since, nor has a document come with a member that a star in
// it stands for. It is for hosts that have values as SQL takes them; it fails as Env.Query does.
func (tx *Tx) Prepare(text string) (*Prepared, error) {
	p, err := tx.planFor(text)
	if err == nil && !blank(text[p.tail:]) {
		return nil, errSeveral
	}
	return p, err
}

var errSeveral = fail(InvalidStatement, "statement: another one follows it", "", nil)

// blank reports whether a text has no statement.
func blank(text string) bool { return strings.Trim(text, " \t\r\n\f;") == "" }

// planFor is Prepare for the first statement of a text.
func (tx *Tx) planFor(text string) (*Prepared, error) {
	if err := tx.usable("prepare"); err != nil {
		return nil, err
	}
	names := &dictionary{tx: tx}
	version := names.Version()
	plans := &tx.env.plans
	if p := plans.get(text, version); p != nil {
		current, err := p.current(tx)
		if err == nil && current {
			current, err = p.fits(tx)
		}
		if current || err != nil {
			return p, err
		}
	}
	plan, tail, err := sql.Prepare(names, text)
	if err != nil {
		return nil, coded(err)
	}
	if plan == nil {
		return nil, fail(Syntax, "statement: there is none", "", nil)
	}
	p := &Prepared{plan: plan, tail: tail, asked: names.asked, sized: names.sized}
	if version&lonely == 0 {
		plans.put(text, p)
	}
	return p, nil
}

// Run carries the statement out in the transaction that has prepared it. What writes is done as a whole
// before the first row is handed out, or not at all; changed is how many rows it has written.
func (p *Prepared) Run(tx *Tx, values []value.Value, how Running) (changed int64, err error) {
	if !p.Writes() {
		return p.run(tx, values, how)
	}
	var rows [][]value.Value
	emit := how.Row
	err = tx.Update(func(child *Tx) error {
		how.Row = func(row []value.Value) error {
			kept := make([]value.Value, len(row))
			for i, v := range row {
				kept[i] = v.Clone()
			}
			rows = append(rows, kept)
			return nil
		}
		changed, err = p.run(child, values, how)
		return err
	})
	for _, row := range rows {
		if err == nil {
			err = emit(row)
		}
	}
	return changed, err
}

func (p *Prepared) run(tx *Tx, values []value.Value, how Running) (changed int64, err error) {
	if p.plan.Control != nil {
		return 0, fail(Unsupported, "statement: it needs a connection", "", nil)
	}
	s := &statement{tx: tx, how: how}
	defer s.leave()
	result, err := p.plan.Run(s, tx.env.surroundings(), values, how.Row)
	if err == nil {
		err = s.rest()
	}
	return result.Changes, coded(err)
}

// surroundings are what functions depend on beside their arguments.
func (e *Env) surroundings() function.Context {
	return function.Context{
		Now:    e.now().UnixMilli(),
		Random: e.options.Random,
		Zone: func(now int64) int {
			_, seconds := time.UnixMilli(now).Local().Zone()
			return seconds / 60
		},
		Limit: e.options.MaxValueBytes,
	}
}

// coded is an error of package sql as one of this package.
func coded(err error) error {
	var wrong *sql.Error
	if err == nil || !errors.As(err, &wrong) {
		return err
	}
	return fail(Code(wrong.Code), "statement", "", &StatementError{wrong.Message, wrong.Position})
}

// StatementError is the cause of an error that a statement is to be blamed for.
type StatementError struct {
	Message string
	// Position is where in the text, in bytes, that begins which is wrong; −1 where it shows only
	// while the statement runs.
	Position int
}

func (e *StatementError) Error() string {
	if e.Position < 0 {
		return e.Message
	}
	return e.Message + " (at " + strconv.Itoa(e.Position) + ")"
}

// current reports whether the tables without declared columns still have those that were found.
func (p *Prepared) current(tx *Tx) (bool, error) {
	for _, known := range p.asked {
		docs, err := tx.database(known.table.name, false, 0)
		if err != nil {
			return false, err
		}
		if !known.members.current(tx, docs) {
			return false, nil
		}
	}
	return true, nil
}

const (
	// fitsEvery is after how many uses it is looked whether a plan still fits; before that after
	// the first, the second, the fourth and so on.
	fitsEvery = 256
	// outgrown is how many times as large, or small, a table is that a plan does not fit any more.
	outgrown = 4
	// small is how many documents a table has at least for that to matter.
	small = 100
)

// fits reports, when it is time to look, whether the tables are about as large as they were when the
// plan was made: what is right for a few documents is not for many.
func (p *Prepared) fits(tx *Tx) (bool, error) {
	uses := p.uses.Add(1)
	if uses%fitsEvery != 0 && uses&(uses-1) != 0 {
		return true, nil
	}
	for _, t := range p.sized {
		docs, err := tx.database(t.known.table.name, false, 0)
		if err != nil {
			return false, err
		}
		rows, err := t.known.statistics.count(tx, docs)
		if err != nil {
			return false, err
		}
		if max(rows, t.rows) >= small && (rows > t.rows*outgrown || t.rows > rows*outgrown) {
			return false, nil
		}
	}
	return true, nil
}

// plans are the statements that an environment has prepared, by their texts.
type plans struct {
	mu   sync.Mutex
	kept map[string]*Prepared
}

// keptPlans is how many are kept.
const keptPlans = 256

func (c *plans) get(text string, version uint64) *Prepared {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.kept[text]; p != nil && p.plan.Version == version {
		return p
	}
	return nil
}

// put keeps a plan, in the place of any other one where there are too many.
func (c *plans) put(text string, p *Prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = make(map[string]*Prepared)
	}
	for other := range c.kept {
		if len(c.kept) < keptPlans {
			break
		}
		delete(c.kept, other)
	}
	c.kept[text] = p
}
