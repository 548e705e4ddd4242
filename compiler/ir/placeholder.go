package ir

import (
	"slices"
	"strconv"
)

// Password returns the word that stands for the password in switch files until the delivery replaces it:
// "@secret:<name of the Secret>/password@"; "" where the sessions have none. No file holds the password itself.
func (g *PeerGroup) Password() string {
	if g.PasswordSecret == "" {
		return ""
	}
	return "@secret:" + g.PasswordSecret + "/password@"
}

// Port returns the interface of an unnumbered session, or, where the site does not say, the word that stands for it in
// switch files until the delivery replaces it: "@interface:<host name of the other switch>@", with ".2" and so on for
// further links to the same switch.
func (n *Neighbor) Port() string {
	switch {
	case n.Interface != "":
		return n.Interface
	case n.Link > 1:
		return "@interface:" + n.Host + "." + strconv.Itoa(n.Link) + "@"
	default:
		return "@interface:" + n.Host + "@"
	}
}

// Placeholders returns the words in the files of groups that the delivery has to replace, each once, and what they come
// from.
func Placeholders(groups []PeerGroup) (words []string, from From) {
	add := func(word string, f From) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
		from = append(from, f...)
	}
	for i := range groups {
		g := &groups[i]
		if word := g.Password(); word != "" {
			add(word, g.From.Of("passwordSecret"))
		}
		for k := range g.Neighbors {
			if n := &g.Neighbors[k]; g.Unnumbered && n.Interface == "" {
				add(n.Port(), n.From)
			}
		}
	}
	return words, from
}
