package format

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"meshgen.dev/meshgen/compiler/diag"
)

// JUnitOptions say how JUnit prints.
type JUnitOptions struct {
	Rules  []Rule                   // the catalogue; each rule is a test case
	FailOn diag.Severity            // the least severity that fails a test case
	Source func(file string) []byte // content of a file named in a position, nil when unknown; may be nil
}

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Class     string        `xml:"classname,attr"`
	File      string        `xml:"file,attr,omitempty"`
	Failure   *junitFailure `xml:"failure"`
	Skipped   *junitSkipped `xml:"skipped"`
	SystemOut *junitText    `xml:"system-out"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitText struct {
	Text string `xml:",chardata"`
}

// JUnit prints one suite with one case a rule, so that a case keeps its name from run to run. A case fails when a finding
// of its rule is at least as severe as opt.FailOn; lesser findings are its output. It is skipped when the rule did not
// run, or when all that it found is waived.
func JUnit(w io.Writer, l diag.List, opt JUnitOptions) error {
	l = l.Sorted()
	byRule := map[string]diag.List{}
	for _, f := range l {
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	suite := junitSuite{Name: "meshgen"}
	add := func(r Rule) error {
		c, err := opt.testCase(r, byRule[r.ID])
		suite.Cases = append(suite.Cases, c)
		delete(byRule, r.ID)
		return err
	}
	for _, r := range opt.Rules {
		if err := add(r); err != nil {
			return err
		}
	}
	for _, f := range l { // of rules that the catalogue does not have
		if _, left := byRule[f.Rule]; left {
			if err := add(Rule{ID: f.Rule, Name: f.Name, Ran: true}); err != nil {
				return err
			}
		}
	}
	suite.Tests = len(suite.Cases)
	for _, c := range suite.Cases {
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suite: suite}); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

// testCase is what a rule and its findings give.
func (opt JUnitOptions) testCase(r Rule, found diag.List) (junitCase, error) {
	c := junitCase{Name: strings.TrimSpace(r.ID + " " + r.Name), Class: "meshgen." + block(r.ID)}
	if len(found) == 0 {
		if !r.Ran {
			c.Skipped = &junitSkipped{"did not run"}
		}
		return c, nil
	}
	c.File = found[0].Pos.File
	var text strings.Builder
	if err := Text(&text, found, TextOptions{Waived: true, Source: opt.Source}); err != nil {
		return c, err
	}
	var failing, open diag.List
	for _, f := range found {
		if f.Waived == "" {
			open = append(open, f)
			if f.Severity >= opt.FailOn {
				failing = append(failing, f)
			}
		}
	}
	switch {
	case len(failing) > 0:
		message := clean(failing[0].Message)
		if n := len(failing) - 1; n > 0 {
			message += fmt.Sprintf(" (and %d more)", n)
		}
		c.File = failing[0].Pos.File
		c.Failure = &junitFailure{Message: message, Type: failing[0].Severity.String(), Text: text.String()}
	case len(open) == 0:
		c.Skipped = &junitSkipped{"waived: " + clean(found[0].Waived)}
	default:
		c.SystemOut = &junitText{text.String()}
	}
	return c, nil
}

// block is the subject of a rule: "MG1" of MG1003.
func block(id string) string { return id[:min(len(id), 3)] }
