package store

// Child begins a transaction within a writing one. It sees what its parent has
// written; what it writes shows in the parent once it commits, and is gone when
// it is rolled back. Until then the parent cannot be used: every call but
// Rollback, which ends the child too, fails with TxBusy. A child may have children.
//
// Errors: ReadOnly in a reading transaction, TxBusy, TxEnded, Closed.
func (tx *Tx) Child() (*Tx, error) {
	if err := tx.usable("begin child"); err != nil {
		return nil, err
	}
	if !tx.writable {
		return nil, fail(ReadOnly, "begin child", "", nil)
	}
	if err := tx.closeRun(); err != nil {
		return nil, err
	}
	tx.child = &Tx{
		env:         tx.env,
		in:          reader{ctx: tx.in.ctx, pages: tx.in.pages, env: tx.env, generation: tx.in.generation},
		base:        tx.base,
		layers:      tx.layers,
		writable:    true,
		exclusive:   tx.exclusive,
		understands: tx.understands,
		durability:  tx.durability,
		parent:      tx,
		writes:      &writeSet{},
	}
	return tx.child, nil
}

// Update runs f in a child and commits it; when f fails, nothing of it stays.
func (tx *Tx) Update(f func(child *Tx) error) error {
	child, err := tx.Child()
	if err != nil {
		return err
	}
	defer child.Rollback()
	if err := f(child); err != nil {
		return err
	}
	return child.Commit(child.in.ctx)
}

// leave ends a child. What it read still counts: its parent may go on in one way
// or another because of it.
func (tx *Tx) leave() {
	parent := tx.parent
	parent.child = nil
	for _, c := range tx.reads.cursors {
		c.note()
	}
	parent.reads.take(&tx.reads)
	tx.env.discard(tx.written)
}

// handUp makes a child's writes its parent's. The parent's come to lie below
// them: where the child has written runs, the parent's become one first.
func (tx *Tx) handUp() error {
	parent := tx.parent
	known, err := tx.recall(parent.dbs)
	if err != nil {
		return err
	}
	if len(tx.runs) > 0 && !parent.writes.empty() {
		if err := parent.spillFor(tx); err != nil {
			return parent.Spoil(err)
		}
	}
	parent.take(tx)
	for name, db := range parent.dbs {
		now := known[name]
		db.space, db.flags, db.meta = now.space, now.flags, now.meta
		db.vacancy, db.writes = vacancy{}, nil
		if db.gone = now.gone; db.gone {
			delete(parent.dbs, name)
		}
	}
	return nil
}

// take moves a child's writes on top of the parent's own.
func (tx *Tx) take(child *Tx) {
	if tx.writes.empty() {
		tx.writes = child.writes
	} else {
		tx.writes.take(child.writes)
	}
	tx.runs = append(child.runs, tx.runs...)
	tx.spans = append(tx.spans, child.spans...)
	tx.written = append(tx.written, child.written...)
	tx.unsaved = append(tx.unsaved, child.unsaved...)
	for _, name := range child.emptied {
		tx.noteEmptied(name)
	}
	if tx.sealedBy == 0 || child.sealedBy != 0 && child.sealedBy < tx.sealedBy {
		tx.sealedBy = child.sealedBy
	}
	child.written = nil // they are not to be given back
	tx.changes += child.changes
	tx.durability = max(tx.durability, child.durability)
}

// spillFor spills in the context of a child's call.
func (tx *Tx) spillFor(child *Tx) error {
	defer tx.SetContext(tx.in.ctx)
	tx.in.ctx = child.in.ctx
	return tx.spill(true)
}

// recall reads what databases have become in this transaction, which may have
// emptied, dropped or made them anew.
func (tx *Tx) recall(dbs map[string]*DB) (map[string]DB, error) {
	now := make(map[string]DB, len(dbs))
	names := tx.names()
	for name := range dbs {
		stored, found, err := names.get([]byte(name))
		if err != nil {
			return nil, err
		}
		db := DB{name: name, gone: !found}
		if found {
			if err := db.decode(stored); err != nil {
				return nil, err
			}
		}
		now[name] = db
	}
	return now, nil
}
