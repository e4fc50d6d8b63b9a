package structure

import (
	"math"
	"slices"
)

// Places stand in a sorted set under a score of 52 bits, as in Redis: the longitude
// and the latitude cut into 2^26 steps each, their bits in turn, the longitude's first.
// Places that are near each other mostly have scores that are near each other.
const (
	geoSteps    = 26
	geoMost     = 1<<geoSteps - 1
	longitudes  = 180.0
	latitudes   = 85.05112878 // beyond them the map of the scores ends
	earthRadius = 6372797.560856
)

// geoStep is the step in which a longitude or latitude lies.
func geoStep(degrees, limit float64) int64 {
	return int64(math.Floor((degrees + limit) / (2 * limit) * (1 << geoSteps)))
}

// geoDegrees is the middle of a step. Conversions keep processors from joining a product
// and a sum, which would give other last bits there.
func geoDegrees(step int64, limit float64) float64 {
	low := float64(float64(step)/(1<<geoSteps)*(2*limit)) - limit
	high := float64(float64(step+1)/(1<<geoSteps)*(2*limit)) - limit
	return max(min((low+high)/2, limit), -limit)
}

func geoScore(longitude, latitude float64) float64 {
	x, y := min(geoStep(longitude, longitudes), geoMost), min(geoStep(latitude, latitudes), geoMost)
	return float64(spread(x)<<1 | spread(y))
}

// geoPlace is where a score stands for, to about half a metre. One that no place has
// stands for the place of the nearest that one has.
func geoPlace(score float64) (longitude, latitude float64) {
	bits := uint64(max(0, min(score, 1<<(2*geoSteps)-1)))
	return geoDegrees(gather(bits>>1), longitudes), geoDegrees(gather(bits), latitudes)
}

// spread puts a zero before every bit.
func spread(n int64) uint64 {
	var bits uint64
	for i := range geoSteps {
		bits |= uint64(n) >> i & 1 << (2 * i)
	}
	return bits
}

// gather takes every second bit.
func gather(bits uint64) int64 {
	var n uint64
	for i := range geoSteps {
		n |= bits >> (2 * i) & 1 << i
	}
	return int64(n)
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
func degrees(radians float64) float64 { return radians / (math.Pi / 180) }

// geoDistance is how many metres lie between two places, on a sphere.
func geoDistance(lon1, lat1, lon2, lat2 float64) float64 {
	u := math.Sin((radians(lat2) - radians(lat1)) / 2)
	v := math.Sin((radians(lon2) - radians(lon1)) / 2)
	return 2 * earthRadius * math.Asin(math.Sqrt(float64(u*u)+float64(math.Cos(radians(lat1))*math.Cos(radians(lat2))*v*v)))
}

// geoArea is what a search covers, in metres: a circle, or a box where radius is 0.
type geoArea struct{ longitude, latitude, radius, width, height float64 }

// distance is how far a place is from the middle, and whether it lies in the area.
func (a geoArea) distance(longitude, latitude float64) (metres float64, inside bool) {
	metres = geoDistance(a.longitude, a.latitude, longitude, latitude)
	if a.radius > 0 {
		return metres, metres <= a.radius
	}
	return metres, earthRadius*math.Abs(radians(latitude)-radians(a.latitude)) <= a.height/2 &&
		geoDistance(longitude, latitude, a.longitude, latitude) <= a.width/2
}

// scores are ranges of scores, ascending, that hold every place in the area: those of
// a few cells of a grid as fine as that allows.
func (a geoArea) scores() []Bounds {
	halfHeight, halfWidth := a.radius, a.radius
	if a.radius == 0 {
		halfHeight, halfWidth = a.height/2, a.width/2
	}
	south, north := a.latitude-degrees(halfHeight/earthRadius), a.latitude+degrees(halfHeight/earthRadius)
	y0, y1 := clampStep(south, latitudes), clampStep(north, latitudes)
	var cells []cell
	if reach := a.reach(max(math.Abs(south), math.Abs(north)), halfWidth); reach >= longitudes {
		cells = grid(cells, 0, geoMost, y0, y1)
	} else {
		west, east := a.longitude-reach, a.longitude+reach
		if west < -longitudes {
			cells = grid(cells, clampStep(west+2*longitudes, longitudes), geoMost, y0, y1)
		}
		if east > longitudes {
			cells = grid(cells, 0, clampStep(east-2*longitudes, longitudes), y0, y1)
		}
		cells = grid(cells, clampStep(west, longitudes), clampStep(east, longitudes), y0, y1)
	}
	return joined(cells)
}

// reach is how many degrees of longitude the area extends to each side, of which the
// parallel nearest to a pole needs most.
func (a geoArea) reach(latitude, halfWidth float64) float64 {
	if latitude >= 90 {
		return longitudes
	}
	sine := math.Sin(min(halfWidth/earthRadius, math.Pi)/2) / math.Cos(radians(latitude))
	if halfWidth >= math.Pi*earthRadius || sine >= 1 {
		return longitudes
	}
	return degrees(2 * math.Asin(sine))
}

// clampStep is the step of what may lie beyond the map.
func clampStep(degrees, limit float64) int64 {
	return geoStep(max(min(degrees, limit), -limit), limit)
}

// cell is a range of scores: from one, without the other.
type cell struct{ low, high uint64 }

// gridCells is how many cells a grid has each way, at most.
const gridCells = 4

// grid covers a range of steps with cells. What lies on the edge of a step may have
// been rounded to the next, so that one more is covered on each side.
func grid(cells []cell, x0, x1, y0, y1 int64) []cell {
	x0, x1, y0, y1 = max(x0-1, 0), min(x1+1, geoMost), max(y0-1, 0), min(y1+1, geoMost)
	coarser := 0
	for x1-x0 >= gridCells || y1-y0 >= gridCells {
		x0, x1, y0, y1, coarser = x0>>1, x1>>1, y0>>1, y1>>1, coarser+1
	}
	for x := x0; x <= x1; x++ {
		for y := y0; y <= y1; y++ {
			corner := (spread(x)<<1 | spread(y)) << (2 * coarser)
			cells = append(cells, cell{corner, corner + 1<<(2*coarser)})
		}
	}
	return cells
}

// joined makes one range of cells that touch.
func joined(cells []cell) []Bounds {
	slices.SortFunc(cells, func(a, b cell) int {
		if a.low != b.low {
			return int(int64(a.low) - int64(b.low))
		}
		return int(int64(a.high) - int64(b.high))
	})
	var ranges []Bounds
	for _, c := range cells {
		low, high := float64(c.low), float64(c.high)
		if last := len(ranges) - 1; last >= 0 && low <= ranges[last].Max {
			ranges[last].Max = max(ranges[last].Max, high)
		} else {
			ranges = append(ranges, Bounds{Min: low, Max: high, MaxOpen: true})
		}
	}
	return ranges
}
