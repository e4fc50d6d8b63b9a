package main

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
)

// salvage hands what can still be read of a damaged environment to the host, as
// export does. No environment has to be open. The result is the report:
// {databases, entries, rootLost, catalogueLost, commits: [[first, last] …],
// losses: [[database, table, low, high, entries] …]}, where low and high may be nil.
func (o *operation) salvage() error {
	stages, err := o.request.Chain()
	if err != nil {
		return err
	}
	found, err := store.Salvage(o.ctx, backend{o.bridge}, store.Options{
		Modifiers: o.bridge.chain(0, stages),
		Scheduler: scheduler{o.bridge},
	}, outlet{o})
	if err != nil {
		return err
	}
	o.result = msgp.AppendMapHeader(o.result[:0], 6)
	o.number("databases", found.Databases)
	o.number("entries", found.Entries)
	o.result = msgp.AppendBool(msgp.AppendString(o.result, "rootLost"), found.RootLost)
	o.result = msgp.AppendBool(msgp.AppendString(o.result, "catalogueLost"), found.CatalogueLost)
	o.result = msgp.AppendArrayHeader(msgp.AppendString(o.result, "commits"), uint32(len(found.Commits)))
	for _, p := range found.Commits {
		o.result = msgp.AppendArrayHeader(o.result, 2)
		o.result = msgp.AppendUint64(msgp.AppendUint64(o.result, p.First), p.Last)
	}
	o.result = msgp.AppendArrayHeader(msgp.AppendString(o.result, "losses"), uint32(len(found.Losses)))
	for _, l := range found.Losses {
		o.result = msgp.AppendArrayHeader(o.result, 5)
		o.result = msgp.AppendBool(msgp.AppendString(o.result, l.Database), l.Table)
		for _, bound := range [...][]byte{l.Keys.Low, l.Keys.High} {
			if bound == nil {
				o.result = msgp.AppendNil(o.result)
			} else {
				o.result = msgp.AppendBytes(o.result, bound)
			}
		}
		o.result = msgp.AppendInt64(o.result, l.Entries)
	}
	return nil
}
