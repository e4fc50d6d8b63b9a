package value

// Not returns 1, 0 or NULL.
func Not(v Value) Value {
	holds, known := v.Truth()
	if !known {
		return Value{}
	}
	return FromBool(!holds)
}

// And returns 0 where one of a and b does not hold, else NULL where one is unknown.
func And(a, b Value) Value {
	x, knownX := a.Truth()
	y, knownY := b.Truth()
	switch {
	case knownX && !x || knownY && !y:
		return FromInt(0)
	case knownX && knownY:
		return FromInt(1)
	}
	return Value{}
}

// Or returns 1 where one of a and b holds, else NULL where one is unknown.
func Or(a, b Value) Value {
	x, knownX := a.Truth()
	y, knownY := b.Truth()
	switch {
	case x || y:
		return FromInt(1)
	case knownX && knownY:
		return FromInt(0)
	}
	return Value{}
}
