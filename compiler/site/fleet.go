package site

// Fleet is the sites that are compiled together, in the order in which their findings are shown. Two of them may have one
// name until a rule has refused that.
type Fleet []*Site

// Named returns the site of that name, or nil.
func (f Fleet) Named(name string) *Site {
	for _, s := range f {
		if s.Name == name {
			return s
		}
	}
	return nil
}
