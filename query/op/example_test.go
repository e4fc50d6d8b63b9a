package op_test

import (
	"fmt"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
)

// What Append writes is what store.Table.Update takes; here it is applied to a document by hand.
func Example() {
	change := op.Append(nil,
		op.Increment(query.Field("visits")),
		op.Push(query.Field("seen", "tags"), "nordic"),
		op.Set(query.Field("names").At(0), "Oslo"))
	list, err := op.Parse(change)
	if err != nil {
		fmt.Println(err)
		return
	}
	doc := query.AppendValue(nil, map[string]any{"visits": 1, "names": []any{"Christiania"}})
	if doc, err = list.Apply(doc); err != nil {
		fmt.Println(err)
		return
	}
	v, _ := query.ReadValue(doc)
	fmt.Println(v)
	_, err = list.Apply(query.AppendValue(nil, map[string]any{}))
	fmt.Println(err)
	// Output:
	// map[names:[Oslo] seen:map[tags:[nordic]] visits:2]
	// invalid_document: increment visits: there is nothing
}
