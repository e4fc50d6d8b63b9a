package function

import "github.com/stowage-db/stowage/query/sql/value"

// coalesce returns the first argument that is not NULL.
func coalesce(_ *Context, args []value.Value) (value.Value, error) {
	for _, v := range args {
		if !v.IsNull() {
			return v, nil
		}
	}
	return value.Value{}, nil
}

// iif takes conditions and what to return where they hold, and at the end maybe what
// else.
func iif(_ *Context, args []value.Value) (value.Value, error) {
	for len(args) >= 2 {
		if holds, _ := args[0].Truth(); holds {
			return args[1], nil
		}
		args = args[2:]
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return value.Value{}, nil
}

func nullIf(c *Context, args []value.Value) (value.Value, error) {
	if value.Compare(args[0], args[1], c.Collation) == 0 {
		return value.Value{}, nil
	}
	return args[0], nil
}

func first(_ *Context, args []value.Value) (value.Value, error) { return args[0], nil }

func least(c *Context, args []value.Value) (value.Value, error)    { return extreme(c, args, -1) }
func greatest(c *Context, args []value.Value) (value.Value, error) { return extreme(c, args, 1) }

// extreme returns the argument that lies furthest to the given side, and NULL where
// one is. Of equal ones min returns the last and max the first.
func extreme(c *Context, args []value.Value, side int) (value.Value, error) {
	best := args[0]
	for _, v := range args {
		if v.IsNull() {
			return v, nil
		}
		if order := value.Compare(v, best, c.Collation) * side; order > 0 || order == 0 && side < 0 {
			best = v
		}
	}
	return best, nil
}

func typeOf(_ *Context, args []value.Value) (value.Value, error) {
	names := [...]string{
		value.Null: "null", value.Integer: "integer", value.Real: "real",
		value.Text: "text", value.Blob: "blob", value.Document: "text",
	}
	return value.FromText(names[args[0].Kind()]), nil
}
