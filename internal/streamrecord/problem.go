package streamrecord

// problem is what is wrong at one place of an item.
type problem uint8

const (
	none        problem = iota
	malformed           // not JSON
	unsupported         // not the DynamoDB JSON of a value
	notMap              // another value than an M
	badNumber
	badString
	badBinary
	badText
	tooDeep
	noHeader
	badHeader
	badTimestamp
)

// problems has the code of each problem, and its words.
var problems = [...]struct{ code, text string }{
	malformed:    {BadRecord, "damaged JSON"},
	unsupported:  {UnsupportedType, "not a value of one DynamoDB type"},
	notMap:       {UnsupportedType, "not an M"},
	badNumber:    {BadNumber, "an N that is no number"},
	badString:    {BadString, "a string with invalid UTF-8, half a surrogate pair, a control character or an unknown escape"},
	badBinary:    {BadBinary, "a B that is not base64"},
	badText:      {BadPayload, "a payload of type S is JSON text, and this is none"},
	tooDeep:      {TooDeep, "nested too deep"},
	noHeader:     {MissingHeader, "missing"},
	badHeader:    {BadHeader, "not an S, or empty"},
	badTimestamp: {BadHeader, "not an integer of Unix milliseconds between the years 2000 and 2100, in an N or S"},
}

// trouble is a problem and where it is. It becomes a Fault only if it decides
// about the record, for the words cost more than the reading.
type trouble struct {
	bad problem
	at  int // in the source; for noHeader and after, which of the required headers
}
