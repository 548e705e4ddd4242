package artifact

import "slices"

// lists are the lists of site paths that the lines of a tree come from, each kept once: files share most of them, and a
// run of lines refers to its lists by number.
type lists struct {
	sets  [][]int32 // lists, as numbers of paths
	paths []string

	ofPath map[string]int32
	ofSet  map[string]int32 // by the numbers of its paths, four bytes each
	key    []byte           // scratch of number
}

// number returns the number of a list, equal for equal lists.
func (l *lists) number(list []string) int32 {
	if l.ofSet == nil {
		l.ofSet, l.ofPath = map[string]int32{}, map[string]int32{}
	}
	l.key = l.key[:0]
	for _, p := range list {
		n, ok := l.ofPath[p]
		if !ok {
			n = int32(len(l.paths))
			l.paths = append(l.paths, p)
			l.ofPath[p] = n
		}
		l.key = append(l.key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	if n, ok := l.ofSet[string(l.key)]; ok {
		return n
	}
	set := make([]int32, len(list))
	for i, p := range list {
		set[i] = l.ofPath[p]
	}
	n := int32(len(l.sets))
	l.sets = append(l.sets, set)
	l.ofSet[string(l.key)] = n
	return n
}

// union returns the paths of several lists, sorted, each once. It reorders the numbers.
func (l *lists) union(sets []int32) []string {
	slices.Sort(sets)
	var paths []int32
	for _, n := range slices.Compact(sets) {
		paths = append(paths, l.sets[n]...)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) == 0 {
		return nil
	}
	out := make([]string, len(paths))
	for i, n := range paths {
		out[i] = l.paths[n]
	}
	slices.Sort(out)
	return out
}
