"use strict";

const form = document.getElementById("try");
const answer = document.getElementById("answer");
const status = document.getElementById("status");

async function ask() {
  status.textContent = "Asking …";
  let variables;
  try {
    variables = JSON.parse(form.elements.variables.value || "{}");
  } catch (error) {
    status.textContent = "The variables are no JSON: " + error.message;
    return;
  }
  const began = performance.now();
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ query: form.elements.query.value, variables }),
    });
    const text = await response.text();
    answer.textContent = JSON.stringify(JSON.parse(text), null, 2);
    status.textContent = `${response.status}, ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    status.textContent = "No answer: " + error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask();
  }
});
