package streamrecord_test

// seeds are inputs that between them reach every branch.
func seeds() []string {
	batch := func(records string) string { return `{"Records":[` + records + `]}` }
	insert := func(event string) string {
		return batch(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"event":` + event + `}}}`)
	}
	payload := func(p string) string {
		return insert(`{"M":{` + goodHeaders + `,"payload":` + p + `}}`)
	}
	return []string{
		`{}`, `{"Records":[]}`, `{"Records":null}`, `[]`, ``, batch(`null`), batch(`1,"x",[],{}`),
		batch(goodRecord), batch(goodRecord + "," + goodRecord),
		`{"window":{"start":"a"},"state":{"1":2},"Records":[` + goodRecord + `],"shardId":"s"}`,
		payload(`{"S":"{\"a\":[1,2.5e3,null,true,false,\"\\u00e9\"]}"}`),
		payload(`{"L":[{"S":"\u00e9\ud83d\ude00\/\u001f\n\"\\"},{"BOOL":true},{"BOOL":false},{"NULL":true},{"B":"aGk="},{"M":{}},{"L":[]}]}`),
		payload(`{"M":{"ss":{"SS":["a","b"]},"ns":{"NS":["1","+2",".5"]},"bs":{"BS":["aGk=",""]}}}`),
		payload(` { "M" : { "a" : { "N" : "007" } , "b" : { "L" : [ { "NULL" : true } , { "S" : "" } ] } } } `),
		payload(`{"N":"-12345678901234567890123456789012345678E-100"}`),
		payload(`{"\u0053":"1"}`), payload(`{"X":"1"}`), payload(`{"N":1}`), payload(`{"S":"a","N":"1"}`), payload(`{"N":"\u0031"}`),
		insert(`{"M":{"payload":{"N":"1"},"payload":{"N":"2"},` + goodHeaders + `,` + goodHeaders + `,"x":{"S":"y"}}}`),
		batch(`{"dynamodb":{"NewImage":{"fmt":{"S":"outbox/1"},"event":{"M":{}}}},"eventName":"INSERT"}`),
		batch(`{"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"dynamodb":{"OldImage":{"a":{"S":"}"}}}}`),
		batch(`{"eventName":"MODIFY","dynamodb":{"StreamViewType":"KEYS_ONLY","Keys":{"pk":{"S":"a"}}},"eventSourceARN":"arn"}`),
		batch(`{"eventName":"INSERT","eventName":"MODIFY","dynamodb":{"NewImage":{"event":{"M":{` + goodHeaders + `,"payload":{"N":"1"}}}},"ApproximateCreationDateTime":"1764000000.5"},"eventName":"INSERT","awsRegion":"r","eventSourceARN":"a"}`),
	}
}
