package main

import (
	"os"

	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
)

// laid reads the files of --profile and lays them over the embedded profiles; nil without the flag. What does not fit is
// reported as findings of a site are.
func (c *command) laid(report *reportFlags) (*profile.Set, error) {
	if len(c.profiles) == 0 {
		return nil, nil
	}
	var files []load.ProfileFile
	for _, name := range c.profiles {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, failure(err)
		}
		files = append(files, load.ProfileFile{Name: name, Text: text})
	}
	set, found := load.Profiles(files)
	if len(found) > 0 {
		return nil, c.findings(c.stderr, found, report)
	}
	return set, nil
}
