// Package repository keeps entities of one kind in two tiers: a fast one, which may
// forget, and a fallback, which has all of them. What is read is looked for in the fast
// tier and then in the fallback, and stays in the fast tier for a while; of what is
// nowhere a marker stays, so that the fallback is not asked again.
//
//	type Person struct {
//		ID   string `json:"id"`
//		Name string `json:"name"`
//	}
//
//	people, err := repository.NewHash[Person, string](repository.Config{
//		Name: "person", Fast: fast, Fallback: fallback, Expire: time.Hour,
//	})
//	err = people.Add(ctx, Person{"1", "Ada"})
//	ada, err := people.Query("1").Entity(ctx)
//
// A Tier keeps structures under keys: Over makes one of the structures of any
// environment, package redis one of a Redis server, NewRing one of several. Both tiers
// give the same answers.
//
// # What is certain
//
// An entity is added to the fallback first, and then to the fast tier where that has it.
// Where the fast tier fails after the fallback has succeeded, the repository notes that
// what is there may be old, and reads from the fallback until it has removed it. Within
// one repository adds and deletes of a key take turns, and a read that began before one
// of them never puts back what it replaced.
//
// Between repositories, as of several processes with one Redis server, there is a window:
// what one has read from the fallback it may put into the fast tier after another has
// added something newer. The old entity then stays there until it expires. The same goes
// for a write that a tier carries out after it was given up, and where a program is killed
// after the fallback has an entity and before a fast tier has it that outlives the program,
// or before such a tier was rid of what it failed to replace. Give Expire accordingly.
package repository
