package value_test

import (
	"fmt"

	"github.com/stowage-db/stowage/query/sql/value"
)

func ExampleAdd() {
	sum := value.Add(value.FromText("12 monkeys"), value.FromReal(0.5))
	fmt.Println(sum.Text())
	// Output: 12.5
}

func ExampleAffinity_Apply() {
	price := value.AffinityOf("DECIMAL(10,2)").Apply(value.FromText("19.90"))
	fmt.Println(price.Kind() == value.Real, price.Text())
	// Output: true 19.9
}

func ExampleCollation_Compare() {
	fmt.Println(value.NoCase.Compare("Apple", "aPPLE"))
	// Output: 0
}
