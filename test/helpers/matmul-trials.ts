export const q4 = { type: "Q4_0", rowLength: 2048 };

export const q6 = { type: "Q6_K", rowLength: 2048 };

export const ways = ["wide:memory:8192", "wide:streams:256", "narrow:streams:256", "narrow:streams:512"];
