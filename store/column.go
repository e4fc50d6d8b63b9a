package store

import "github.com/tinylib/msgp/msgp"

// Column is what SQL's CREATE TABLE declares of a member of a table's documents. It
// holds for what statements write; documents that are put otherwise are taken as they are.
type Column struct {
	// Name is that of the member.
	Name string
	// Type is what was declared, as it was written. The affinity follows from it.
	Type string
	// Collation is how texts compare: binary where it is empty.
	Collation string
	NotNull   bool
	// Default and Generated are expressions, as text; empty where there are none.
	Default, Generated string
}

// columnParts is how many values the stored form of a column has.
const columnParts = 6

func (c *Column) append(dst []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, columnParts)
	for _, text := range []string{c.Name, c.Type, c.Collation} {
		dst = msgp.AppendString(dst, text)
	}
	dst = msgp.AppendBool(dst, c.NotNull)
	return msgp.AppendString(msgp.AppendString(dst, c.Default), c.Generated)
}

func (r *schemaReader) column() (c Column) {
	r.array(columnParts)
	c.Name, c.Type, c.Collation = r.string(), r.string(), r.string()
	c.NotNull = r.bool()
	c.Default, c.Generated = r.string(), r.string()
	return c
}

// declared reports whether a schema has what SQL declares.
func (s *Schema) declared() bool { return len(s.Columns) > 0 }
