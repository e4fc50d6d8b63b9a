// Package structure is data structures over a database of an environment, by the
// names and with the answers that users of Redis know: plain keys, booleans, hashes,
// sorted sets and places on the earth. Every one of them can expire.
//
// Structures stand in one database of bytes, and commands run in transactions of the
// environment, which may write tables and other databases too:
//
//	scores := structure.New(env, "scores", structure.Options{})
//	err := scores.Update(ctx, func(t *structure.Tx) error {
//		_, err := t.ZAdd("chess", structure.Z{Member: "Ada", Score: 2810})
//		return err
//	})
//
// Keys, fields, members and values are strings of any bytes; keys, fields and members
// are not empty. A command fails with WrongType where its key holds another kind of
// structure, and has then written nothing. A structure that loses its last field or
// member is gone.
//
// Of a sorted set, what depends on ranks costs the logarithm of its size: the engine
// counts entries without reading them.
//
// JavaScript has the same in js/src/structures, by the same names; each reads what the
// other wrote. FORMAT.md has the layout.
package structure
