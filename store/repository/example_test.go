package repository_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
)

// tier is one in memory.
func tier() repository.Tier {
	env, err := store.Open(context.Background(), memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	return repository.Over(structure.New(env, "tier", structure.Options{}))
}

// Book is an entity.
type Book struct {
	ISBN  string `json:"isbn"`
	Title string `json:"title"`
	Year  int    `json:"year"`
}

func ExampleNewHash() {
	ctx := context.Background()
	books, err := repository.NewHash[Book, string](repository.Config{
		Name: "book", ID: "isbn", Fast: tier(), Fallback: tier(), Expire: time.Hour,
	})
	fmt.Println(err)
	fmt.Println(books.Add(ctx, Book{"1", "Emma", 1815}, Book{"2", "Persuasion", 1817}))
	emma, err := books.Query("1").Entity(ctx)
	fmt.Println(emma, err)
	title, err := books.Query("2", repository.Fields("title")).Entity(ctx)
	fmt.Println(title.Title, title.Year, err)
	_, err = books.Query("3").Entity(ctx)
	fmt.Println(store.CodeOf(err))
	// Output:
	// <nil>
	// <nil>
	// {1 Emma 1815} <nil>
	// Persuasion 0 <nil>
	// not_found
}

func ExampleNewSortedSet() {
	ctx := context.Background()
	ladders, err := repository.NewSortedSet[string](repository.Config{Name: "ladder", Fast: tier(), Fallback: tier()})
	fmt.Println(err)
	fmt.Println(ladders.Add(ctx, repository.SortedSet[string]{ID: "chess", Members: []structure.Z{
		{Member: "Ada", Score: 2810}, {Member: "Bo", Score: 2700}, {Member: "Cy", Score: 2755},
	}}))
	top, err := ladders.Query("chess", repository.Reverse(), repository.Page(1, 2)).Entity(ctx)
	fmt.Println(top.Members, "of", top.Size, err)
	// Output:
	// <nil>
	// <nil>
	// [{Ada 2810} {Cy 2755}] of 3 <nil>
}

func ExampleNewGeo() {
	ctx := context.Background()
	shops, err := repository.NewGeo[string](repository.Config{Name: "shops", Fast: tier(), Fallback: tier()})
	fmt.Println(err)
	fmt.Println(shops.Add(ctx, repository.Geo[string]{ID: "tea", Members: []repository.Place{
		{Member: "Ada", Longitude: 10.75, Latitude: 59.91}, {Member: "Bo", Longitude: 5.32, Latitude: 60.39},
	}}))
	near, err := shops.Query("tea", repository.Near(11, 60, 50, structure.Kilometres)).Entity(ctx)
	fmt.Printf("%s, %.0f km away, %v\n", near.Members[0].Member, near.Members[0].Distance, err)
	// Output:
	// <nil>
	// <nil>
	// Ada, 17 km away, <nil>
}

func ExampleNewBoolean() {
	ctx := context.Background()
	type payment struct {
		Shop  string `json:"shop"`
		Order int    `json:"order"`
	}
	paid, err := repository.NewBoolean[payment](repository.Config{Name: "paid", Fast: tier(), Fallback: tier()})
	fmt.Println(err)
	fmt.Println(paid.Add(ctx, payment{"tea", 7}))
	fmt.Println(paid.Query(payment{"tea", 7}).Exists(ctx))
	fmt.Println(paid.Query(payment{"tea", 8}).Exists(ctx))
	// Output:
	// <nil>
	// <nil>
	// true <nil>
	// false <nil>
}

func ExampleNewService() {
	ctx := context.Background()
	books, _ := repository.NewHash[Book, string](repository.Config{Name: "book", ID: "isbn", Fast: tier(), Fallback: tier()})
	service, err := repository.NewService(books, repository.ServiceOptions{
		Cache: &repository.Cache{Entries: 1000, TTL: time.Minute, Jitter: 10 * time.Second},
	})
	fmt.Println(err)
	fmt.Println(service.Add(ctx, Book{"1", "Emma", 1815}))
	for range 3 {
		_, _ = service.GetOne(ctx, "1")
	}
	many, err := service.GetMany(ctx, []string{"2", "1", "1"})
	fmt.Println(many, err)
	fmt.Println(service.Metrics().Hits, "hits,", service.Metrics().FallbackReads, "reads of the fallback")
	fmt.Println(service.Shutdown(ctx))
	// Output:
	// <nil>
	// <nil>
	// [{1 Emma 1815}] <nil>
	// 3 hits, 2 reads of the fallback
	// <nil>
}
