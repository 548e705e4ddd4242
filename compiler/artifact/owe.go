package artifact

import (
	"slices"
	"strings"
)

// owed is a value below a path of keys.
type owed struct {
	path  []string
	write func(y *YAML, key string)
	from  []string
}

// Owe has a value written below a path of keys ("global.imageRegistry"): at the end of the innermost mapping of the path
// that the file has, whoever writes that, or with all of its path by Settle. Nobody else may write the key itself.
func (f *File) Owe(path string, from []string, write func(y *YAML, key string)) {
	f.owed = append(f.owed, owed{strings.Split(path, "."), write, from})
	slices.SortStableFunc(f.owed, func(a, b owed) int { return slices.Compare(a.path, b.path) })
}

// Settle writes what is owed to the mapping that is being written. Mappings do so by themselves when they end; call it
// at the end of the file.
func (y *YAML) Settle() {
	if len(y.f.owed) == 0 {
		return
	}
	n := len(y.path)
	var due, rest []owed
	for _, o := range y.f.owed {
		if len(o.path) > n && slices.Equal(o.path[:n], y.path) {
			due = append(due, o)
		} else {
			rest = append(rest, o)
		}
	}
	if len(due) == 0 {
		return
	}
	y.f.owed = rest
	y.settle(due, n)
}

// settle writes values by their keys after the first n, those of one mapping together.
func (y *YAML) settle(due []owed, n int) {
	for len(due) > 0 {
		key := due[0].path[n]
		k := slices.IndexFunc(due, func(o owed) bool { return o.path[n] != key })
		if k < 0 {
			k = len(due)
		}
		y.From("", due[0].from...)
		if len(due[0].path) == n+1 {
			due[0].write(y, key)
		} else {
			y.Map(key, func() { y.settle(due[:k], n+1) })
		}
		y.Fixed()
		due = due[k:]
	}
}
