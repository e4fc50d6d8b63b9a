package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// tableCall resolves a function that yields rows, json_each or json_tree, whose
// arguments may read what stands left of it.
func (c *compiler) tableCall(t *fromTerm, name string, s *scope) *operands {
	folded := value.Fold(t.name)
	if folded != "json_each" && folded != "json_tree" {
		panic(fail(codeUnknownTable, t.pos, "no such table-valued function: "+t.name))
	}
	if len(t.args) < 1 || len(t.args) > 2 {
		panic(fail(codeWrongArguments, t.pos, "wrong number of arguments to "+folded+"()"))
	}
	args := c.resolveAll(t.args, s)
	reads := joined(&term{kids: args}).uses
	chosen := &selected{rows: 10}
	for _, column := range function.RowColumns {
		chosen.columns = append(chosen.columns, outColumn{name: column, slot: c.slot(), affinity: value.BlobAffinity})
	}
	slots := slotsOf(chosen.columns)
	evals := evaluators(args)
	chosen.feed = func(r *run, next func() error) func() error {
		emit := func(row *function.Row) error {
			if err := r.tick(); err != nil {
				return err
			}
			for i, v := range [...]value.Value{row.Key, row.Value, row.Type, row.Atom, row.ID, row.Parent, row.FullKey, row.Path} {
				r.row[slots[i]] = v
			}
			return next()
		}
		return func() error {
			text, root := evals[0](r), null
			if len(evals) > 1 {
				if root = evals[1](r); root.IsNull() {
					return r.err
				}
			}
			if r.err != nil || text.IsNull() {
				return r.err
			}
			return function.Rows(text, root, folded == "json_tree", emit)
		}
	}
	o := c.chosenOperand(chosen, name, nil, t.pos, s)
	o.reads = reads
	if folded == "json_each" && len(args) == 1 {
		o.origins[0].list = args[0]
	}
	o.outer = reads&outside != 0
	return &operands{list: []*operand{o}}
}
