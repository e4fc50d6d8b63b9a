package repository

import "container/list"

// frequency is the order of what was used least often, and of those used equally often
// of what was used longest ago. Every call takes the same time, however much there is.
type frequency struct {
	nodes list.List                // of *node
	last  map[uint64]*list.Element // of those that were used so often
}

func (f *frequency) add(n *node) {
	if behind := f.last[0]; behind != nil {
		n.at = f.nodes.InsertAfter(n, behind)
	} else {
		n.at = f.nodes.PushFront(n)
	}
	f.last[0] = n.at
}

func (f *frequency) use(n *node) {
	behind := f.last[n.uses+1]
	if behind == nil {
		behind = f.last[n.uses]
	}
	f.unrank(n)
	if behind != n.at {
		f.nodes.MoveAfter(n.at, behind)
	}
	n.uses++
	f.last[n.uses] = n.at
}

// unrank has a node not be the last of those that were used so often.
func (f *frequency) unrank(n *node) {
	if f.last[n.uses] != n.at {
		return
	}
	if before := n.at.Prev(); before != nil && before.Value.(*node).uses == n.uses {
		f.last[n.uses] = before
	} else {
		delete(f.last, n.uses)
	}
}

func (f *frequency) remove(n *node) {
	f.unrank(n)
	f.nodes.Remove(n.at)
}

func (f *frequency) first() *node { return f.nodes.Front().Value.(*node) }
