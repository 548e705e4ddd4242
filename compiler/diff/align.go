package diff

// pair is a place of two sequences that are equal, or -1 where the other has nothing for it.
type pair struct{ a, b int }

// align lays two sequences beside each other: what stands once in both and in the same order anchors it, and between anchors
// the equal beginning and end count. It is linear but for the anchors, and finds what people call the same; not always the
// shortest difference.
func align[T comparable](a, b []T) []pair {
	var out []pair
	var walk func(a0, a1, b0, b1 int)
	walk = func(a0, a1, b0, b1 int) {
		for a0 < a1 && b0 < b1 && a[a0] == b[b0] {
			out = append(out, pair{a0, b0})
			a0, b0 = a0+1, b0+1
		}
		end := 0
		for a0 < a1-end && b0 < b1-end && a[a1-end-1] == b[b1-end-1] {
			end++
		}
		a1, b1 = a1-end, b1-end
		anchors := anchors(a[a0:a1], b[b0:b1])
		if len(anchors) == 0 {
			for i := a0; i < a1; i++ {
				out = append(out, pair{i, -1})
			}
			for i := b0; i < b1; i++ {
				out = append(out, pair{-1, i})
			}
		} else {
			lastA, lastB := a0, b0
			for _, p := range anchors {
				walk(lastA, a0+p.a, lastB, b0+p.b)
				out = append(out, pair{a0 + p.a, b0 + p.b})
				lastA, lastB = a0+p.a+1, b0+p.b+1
			}
			walk(lastA, a1, lastB, b1)
		}
		for i := range end {
			out = append(out, pair{a1 + i, b1 + i})
		}
	}
	walk(0, len(a), 0, len(b))
	return out
}

// anchors are the places of what stands exactly once in both, as many as keep their order.
func anchors[T comparable](a, b []T) []pair {
	type seen struct{ inA, inB, a, b int }
	at := map[T]*seen{}
	for i, x := range a {
		if at[x] == nil {
			at[x] = &seen{}
		}
		at[x].inA++
		at[x].a = i
	}
	for i, x := range b {
		if s := at[x]; s != nil {
			s.inB++
			s.b = i
		}
	}
	var once []pair
	for i, x := range a {
		if s := at[x]; s.inA == 1 && s.inB == 1 {
			once = append(once, pair{i, s.b})
		}
	}
	return increasing(once)
}

// increasing returns the longest run of pairs whose second places increase; the first ones do.
func increasing(all []pair) []pair {
	before := make([]int, len(all)) // the pair in front, in the run that ends here
	var ends []int                  // the pair that ends the best run of each length
	for i, p := range all {
		lo, hi := 0, len(ends)
		for lo < hi {
			if mid := (lo + hi) / 2; all[ends[mid]].b < p.b {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		before[i] = -1
		if lo > 0 {
			before[i] = ends[lo-1]
		}
		if lo == len(ends) {
			ends = append(ends, i)
		} else {
			ends[lo] = i
		}
	}
	if len(ends) == 0 {
		return nil
	}
	out := make([]pair, len(ends))
	for k, i := len(ends)-1, ends[len(ends)-1]; k >= 0; k, i = k-1, before[i] {
		out[k] = all[i]
	}
	return out
}
