package site

import "encoding/json"

// Strings is a list of strings that may be written as one string. It is nil when not given.
type Strings []string

// UnmarshalJSON accepts "a" and ["a", "b"].
func (s *Strings) UnmarshalJSON(data []byte) error {
	return unmarshalOneOrMany(data, (*[]string)(s))
}

// Ints is a list of integers that may be written as one integer. It is nil when not given.
type Ints []int

// UnmarshalJSON accepts 24 and [23, 64].
func (s *Ints) UnmarshalJSON(data []byte) error {
	return unmarshalOneOrMany(data, (*[]int)(s))
}

func unmarshalOneOrMany[T any](data []byte, to *[]T) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, to)
	}
	if string(data) == "null" {
		*to = nil
		return nil
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*to = []T{one}
	return nil
}

// PathMatch selects request paths. Exactly one of its fields is set.
type PathMatch struct {
	Prefix string // whole segments: "/v1" matches /v1 and /v1/x, not /v1beta
	Exact  string
}

// UnmarshalJSON accepts "/v1", a prefix, and {"exact": "/v1"}.
func (p *PathMatch) UnmarshalJSON(data []byte) error {
	*p = PathMatch{}
	if len(data) > 0 && data[0] == '{' {
		var exact struct {
			Exact string `json:"exact"`
		}
		err := json.Unmarshal(data, &exact)
		p.Exact = exact.Exact
		return err
	}
	return json.Unmarshal(data, &p.Prefix)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (p PathMatch) MarshalJSON() ([]byte, error) {
	if p.Exact != "" {
		return json.Marshal(map[string]string{"exact": p.Exact})
	}
	return json.Marshal(p.Prefix)
}

// String returns the path, with "=" in front when it is exact.
func (p PathMatch) String() string {
	if p.Exact != "" {
		return "=" + p.Exact
	}
	return p.Prefix
}
