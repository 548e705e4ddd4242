package verify

// Claimed returns the verifier that reads files of a path, and the glob by which it claims it; both are empty for a path
// that none claims. In globs "*" stands for any characters inside one segment, "**" for any number of segments.
func Claimed(path string) (verifier, glob string) {
	v, _ := claim(path)
	return v.name, v.glob
}
