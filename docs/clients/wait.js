// Waits for a job, as the page has it: status 0 when, and only when, it has succeeded.
const http = require("http");
const url = `${process.env.ORTHANC_URL}/jobs/${process.env.JOB_ID}`;
const ends = Date.now() + 1000 * Number(process.env.TIME_LIMIT);
const period = 1000 * Number(process.env.PERIOD || 1); // between two looks

function look() {
  if (Date.now() > ends) process.exit(3);
  const later = () => setTimeout(look, period);
  const request = http.get(url, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part));
    answer.on("error", later);
    answer.on("end", () => {
      if (answer.statusCode === 404) process.exit(2);
      if (answer.statusCode === 200) {
        const state = JSON.parse(text).State;
        if (state === "Success") process.exit(0);
        if (state === "Failure") process.exit(1);
      }
      later();
    });
  });
  request.on("error", later); // nothing answers: that says nothing of the job
}
look();
